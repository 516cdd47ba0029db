/** The terminal that answers are shown on, if there is one. */
import { endlessPaper, type Screen, type Style } from '../commands/screen.ts';

const usualWidth = 80;
const usualHeight = 24;
/** A header that comes again needs a few rows between. */
const leastHeight = 5;

const escapes: Readonly<Record<Style, string>> = {
  heading: '\x1b[1m',
  problem: '\x1b[31m',
  hint: '\x1b[33m',
};

/** The number in a variable of the environment that is one. */
function sizeIn(text: string | undefined): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text ?? '') ? Number(text) : undefined;
}

/** What stdout is: with no terminal, lines are as long as COLUMNS says, or else unbounded. */
export function stdoutScreen(): Screen {
  const { isTTY, columns, rows } = process.stdout;
  const named = { width: sizeIn(process.env.COLUMNS), height: sizeIn(process.env.LINES) };
  if (!isTTY) return { ...endlessPaper, width: named.width ?? endlessPaper.width };
  const hasColours = !process.env.NO_COLOR && (process.env.TERM ?? 'dumb') !== 'dumb';
  return {
    width: columns || named.width || usualWidth,
    height: Math.max(leastHeight, rows || named.height || usualHeight),
    isTerminal: true,
    paint: (text, style) => (hasColours ? `${escapes[style]}${text}\x1b[m` : text),
  };
}
