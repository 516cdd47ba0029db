/**
 * What is on the screen: lines, of which each cell has a character and a style.
 *
 * Guarantee: every line is exactly as wide as the screen, and has only characters that take one cell
 * and drive no terminal. Most texts come from the network.
 */

/** Blank: plain; bold, dim, red, yellow, green, inverse; A: an alarm. */
export type Style = ' ' | 'b' | 'd' | 'r' | 'y' | 'g' | 'i' | 'A';

/** `styles` has a letter for each character of `text`. */
export type Line = { readonly text: string; readonly styles: string };

export type Part = string | readonly [text: string, style: Style];

/** All but scripts whose letters are one cell wide in every terminal: no controls, no joining marks. */
const narrow =
  /[^\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2026\u2581-\u2588]/g;
const notAscii = /[^\x20-\x7e]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The text with all else escaped, as JSON would. */
export function oneCellEach(text: string, isAscii: boolean): string {
  return text.replace(isAscii ? notAscii : narrow, escaped);
}

/** The parts one behind the other, cut or filled with blanks to that width. */
export function lineOf(parts: readonly Part[], columns: number, rest: Style = ' '): Line {
  let [text, styles] = ['', ''];
  for (const part of parts) {
    const [some, style] = typeof part === 'string' ? ([part, rest] as const) : part;
    text += some;
    styles += style.repeat(some.length);
  }
  return {
    text: text.slice(0, columns).padEnd(columns),
    styles: styles.slice(0, columns).padEnd(columns, rest),
  };
}

/** Cut in the middle to at most `width`; the prefix length of a network stays. */
export function shortened(text: string, width: number, isAscii: boolean): string {
  if (text.length <= width) return text;
  const mark = isAscii ? '~' : '\u2026';
  const prefixLength = /\/\d{1,3}$/.exec(text)?.[0].length ?? 0;
  const behind = Math.min(width - 1, Math.max(Math.floor((width - 1) / 2), prefixLength));
  return `${text.slice(0, width - 1 - behind)}${mark}${text.slice(text.length - behind)}`;
}

/** As many lines as it takes, none wider. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.max(1, text.length); at += width)
    lines.push(text.slice(at, at + width));
  return lines;
}
