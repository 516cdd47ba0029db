/**
 * The columns of the table: which of them a screen of that width has, and what is in them.
 */
import type { TopValue } from '../../commands/top.ts';
import { oneCellEach, type Part, type Style, shortened } from './lines.ts';
import type { Row } from './rows.ts';

type Column = {
  readonly title: string;
  readonly width: number;
  /** Screens narrower than this are without it. */
  readonly from: number;
  readonly isNumber?: true;
  cell(row: Row, isAscii: boolean): string;
  style?(row: Row): Style;
};

const bars = {
  utf8: '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588',
  ascii: ':-=+*%#@',
} as const;
/** How much of a limit is near it. */
const nearShare = 0.8;

/** At most four characters. */
function compact(count: number): string {
  if (count < 10_000) return String(Math.round(count));
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  return `${Math.round(count / 1e6)}M`;
}

/** At most four characters: `87s`, `15m`, `2h`, `7d`. */
export function compactTime(seconds: number): string {
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 100 * 60 && seconds % 3600 !== 0) return `${Math.round(seconds / 60)}m`;
  if (seconds < 100 * 3600 && seconds % 86_400 !== 0) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** `~` where ten seconds are made of fewer. */
function lastTenSeconds({ perSecond, rememberedSeconds }: TopValue): string {
  return `${rememberedSeconds < 10 ? '~' : ''}${compact(perSecond * 10)}`;
}

function lastMinute({ lastMinute: hits, count }: TopValue): string {
  return hits === null ? `${compact(count)}+` : compact(hits);
}

function ofLimit(count: number, limit: number): string {
  return `${compact(count)}/${limit < 0 ? '-' : compact(limit)}`;
}

function isFull({ sessions, concurrent }: TopValue): boolean {
  return concurrent !== null && sessions >= concurrent;
}

/** The state in words, because not every terminal has colours. */
function stateOf({ value, goneMs }: Row): readonly [text: string, style: Style] {
  const { block, wouldBlock, allowlisted, count, limit } = value;
  if (goneMs !== undefined) return ['gone', 'd'];
  if (block) return [`blocked ${compactTime(block.secondsLeft)}`, 'r'];
  if (wouldBlock) return ['would block', 'y'];
  if (allowlisted) return ['allowed', 'g'];
  if (limit >= 0 && count > limit) return ['over', 'y'];
  if (isFull(value)) return ['sessions', 'y'];
  return limit >= 0 && count >= limit * nearShare ? ['near', 'y'] : ['', ' '];
}

/** As high as the share of the limit that the hits of ten seconds take. */
function sparkline({ history, value }: Row, isAscii: boolean): string {
  const levels = isAscii ? bars.ascii : bars.utf8;
  const most = Math.max(1, ...history.map((hits) => hits ?? 0));
  const whole = value.limit > 0 ? value.limit : most;
  return history
    .map((hits) => {
      if (hits === undefined) return ' ';
      if (hits === 0) return '.';
      return levels[Math.min(levels.length, Math.ceil((levels.length * hits) / whole)) - 1];
    })
    .join('');
}

const narrowestValue = 8;
const widestValue = 43;

const columns: readonly Column[] = [
  {
    title: 'CLASS',
    width: 6,
    from: 67,
    cell: ({ value }, isAscii) => oneCellEach(value.class, isAscii),
  },
  { title: '10S', width: 6, from: 46, isNumber: true, cell: ({ value }) => lastTenSeconds(value) },
  { title: '60S', width: 6, from: 60, isNumber: true, cell: ({ value }) => lastMinute(value) },
  {
    title: 'COUNT/LIM',
    width: 9,
    from: 0,
    isNumber: true,
    cell: ({ value: { count, limit } }) => ofLimit(count, limit),
    style: (row) => stateOf(row)[1],
  },
  {
    title: 'STATE',
    width: 12,
    from: 0,
    cell: (row) => stateOf(row)[0],
    style: (row) => stateOf(row)[1],
  },
  { title: 'LAST 2 MIN', width: 12, from: 80, cell: sparkline },
  {
    title: 'SESS',
    width: 7,
    from: 96,
    isNumber: true,
    cell: ({ value: { sessions, concurrent } }) => {
      return concurrent === null && sessions === 0 ? '' : ofLimit(sessions, concurrent ?? -1);
    },
  },
  {
    title: 'LIMIT OF',
    width: 24,
    from: 120,
    cell: ({ value: { pattern, seconds } }, isAscii) => {
      if (pattern === null) return '';
      return `${oneCellEach(pattern, isAscii)} in ${compactTime(seconds)}`;
    },
  },
];

/** The columns of a screen of that width, the first of which takes what the others leave. */
function layout(width: number): readonly Column[] {
  const shown = columns.filter(({ from }) => from <= width);
  const others = shown.reduce((sum, column) => sum + column.width + 1, 0);
  const value: Column = {
    title: 'VALUE',
    width: Math.min(widestValue, Math.max(narrowestValue, width - others)),
    from: 0,
    cell: (row, isAscii) => oneCellEach(row.value.value, isAscii),
  };
  return [value, ...shown];
}

function fitted(text: string, { width, isNumber }: Column, isAscii: boolean): string {
  const cut = shortened(text, width, isAscii);
  return isNumber ? cut.padStart(width) : cut.padEnd(width);
}

export function headOf(width: number): string {
  return layout(width)
    .map((column) => fitted(column.title, column, true))
    .join(' ');
}

export function partsOf(row: Row, width: number, isAscii: boolean): Part[] {
  return layout(width).flatMap((column, index) => {
    const text = fitted(column.cell(row, isAscii), column, isAscii);
    const style = row.goneMs === undefined ? (column.style?.(row) ?? ' ') : 'd';
    return [...(index === 0 ? [] : [' ']), [text, style] as const];
  });
}
