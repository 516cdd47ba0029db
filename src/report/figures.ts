/** How the page writes numbers and times. */
import { localTime } from '../commands/local-time.ts';

/** `12,345`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

const powers = [
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
] as const;

/** `12k`, `1.2M`: three characters or four, where there is little room. */
export function compact(count: number): string {
  const [letter, power] = powers.find(([, each]) => count >= each) ?? ['', 1];
  const some = count / power;
  if (power === 1 || some >= 10) return `${Math.floor(some)}${letter}`;
  return `${(Math.floor(some * 10) / 10).toFixed(1)}${letter}`;
}

/** `2.5 %`, never rounded to nothing or to all. */
export function percent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  if (part === whole) return '100 %';
  const share = (100 * part) / whole;
  if (share < 0.1) return 'under 0.1 %';
  return `${Math.min(99.9, share).toFixed(1)} %`;
}

/** Local, to the second. */
export function momentText(atMs: number): string {
  return localTime(atMs).slice(0, 19);
}

/** Local, to the minute. */
export function minuteText(atMs: number): string {
  return localTime(atMs).slice(0, 16);
}

/** Texts that are too long lose their middle. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
