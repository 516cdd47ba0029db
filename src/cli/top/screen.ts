/** The picture of a view: header, table, details or keys, and the line for questions and answers. */

import { localTime } from '../../commands/local-time.ts';
import type { TopScreen } from '../../commands/top.ts';
import { duration } from '../../commands/words.ts';
import { headOf, partsOf } from './columns.ts';
import { type Line, lineOf, oneCellEach, type Part, type Style, wrapped } from './lines.ts';
import type { Act, View } from './view.ts';

export type Size = { readonly columns: number; readonly rows: number };

/** Fewer rows than this have a header of one line. */
export const rowsForHeader = 10;

const questions: Readonly<Record<Act, (address: string) => string>> = {
  block: (address) => `Block ${address}?`,
  unblock: (address) => `Unblock ${address}?`,
  allow: (address) => `Allow ${address} for an hour?`,
};

/** Those that do not fit are left out, the last ones first. */
const usualKeys = [
  ...['? keys', 'q end', 's sort', '/ filter', 'Enter details', 'b block', 'u unblock', 'a allow'],
  ...['c class', 'p pause', 'o freeze', 'i invert'],
] as const;

const allKeys: readonly (readonly [keys: string, does: string])[] = [
  ['up down k j', 'choose a value; also Page Up, Page Down, Home, End'],
  ['s 1 2 3 4', 'sort: the next way, or by rate, count, left, address'],
  ['i', 'turn the order around'],
  ['o', 'let rows keep their places'],
  ['p Space', 'pause'],
  ['/', 'filter as you type; Enter keeps it, Escape clears it'],
  ['c', 'the next class, then all'],
  ['+ -', 'longer or shorter between two screens'],
  ['Enter', 'all about the value, as check says it'],
  ['b u a', 'block, unblock, or allow for an hour; asks first'],
  ['y', "copy the value into the terminal's clipboard"],
  ['Ctrl-L', 'draw all anew'],
  ['q', 'end'],
];

function perSecond(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(value < 100 ? 1 : 0);
}

/** As many of the texts as fit, from the first on. */
function fitting(texts: readonly string[], columns: number): string {
  const fit = texts.filter((_, index) => texts.slice(0, index + 1).join('  ').length <= columns);
  return fit.join('  ');
}

/** What differs from the usual view. */
function marksOf(view: View, isAscii: boolean): string {
  return [
    `sort ${view.order}${view.isInverted ? ' inverted' : ''}`,
    view.class === undefined ? '' : `class ${oneCellEach(view.class, isAscii)}`,
    view.filter === '' ? '' : `filter ${oneCellEach(view.filter, isAscii)}`,
    view.isFrozen ? 'order frozen' : '',
    view.isPaused ? 'PAUSED' : '',
  ]
    .filter(Boolean)
    .join(', ');
}

function titleParts(view: View, screen: TopScreen, isAscii: boolean): Part[] {
  const time = localTime(Date.parse(screen.now)).slice(11, 19);
  const up = `up ${duration(screen.uptimeSeconds * 1000)}`;
  return [['rater', 'b'], ` ${time}  ${up}  ${marksOf(view, isAscii)}`];
}

function countsOf(view: View, { rates, counters, ...screen }: TopScreen): readonly string[] {
  const minute = rates.find(({ seconds }) => seconds === 60)?.perSecond;
  return [
    `checks/s ${perSecond(rates[0]?.perSecond)}`,
    `refused ${counters.exceeded + counters.blocked}`,
    `blocked ${screen.blocks}`,
    `1 min ${perSecond(minute)}/s`,
    `peak ${perSecond(view.peakPerSecond)}/s`,
    `values ${screen.trackedValues}`,
    `sessions ${screen.sessions}`,
    `blocks made ${counters.blocksMade}`,
  ];
}

/** What is wrong, the gravest first. */
function stateParts(view: View, screen: TopScreen, isAscii: boolean): Part[] {
  if (view.waitsBecause !== undefined) {
    return [[`waiting for rater: ${oneCellEach(view.waitsBecause, isAscii)}`, 'A']];
  }
  const parts: [string, Style][] = [];
  for (const { mode, count, isNow } of screen.failedOpen) {
    const times = count === 1 ? 'once' : `${count} times`;
    parts.push([
      `let in unchecked (${mode}) ${times}${isNow ? ', also now' : ''}`,
      isNow ? 'A' : 'y',
    ]);
  }
  for (const { part, what } of screen.troubles) {
    parts.push([oneCellEach(`trouble: ${part}: ${what}`, isAscii), 'A']);
  }
  if (!screen.enforce) parts.push(['limits are off: only logged', 'A']);
  for (const name of screen.dryRun)
    parts.push([`dry run: class ${oneCellEach(name, isAscii)}`, 'y']);
  if (parts.length === 0) return [['nobody let in unchecked, no troubles', 'g']];
  return parts.flatMap((part, index) => (index === 0 ? [part] : ['; ', part]));
}

function header(view: View, size: Size, isAscii: boolean): Line[] {
  const { screen } = view;
  const line = (parts: readonly Part[]) => lineOf(parts, size.columns);
  if (!screen) return [line([['rater', 'b'], `  ${view.waitsBecause ?? ''}`])];
  const title = line(titleParts(view, screen, isAscii));
  const state = line(stateParts(view, screen, isAscii));
  if (size.rows < rowsForHeader) return [view.waitsBecause === undefined ? title : state];
  return [title, line([fitting(countsOf(view, screen), size.columns)]), state];
}

/** The part of the rows that is shown, with the selected one in it. */
function table(view: View, size: Size, isAscii: boolean): Line[] {
  const { shown } = view;
  const at = shown.findIndex(({ key }) => key === view.selected);
  const height = view.pageRows;
  const top = Math.max(0, Math.min(at - Math.floor(height / 2), shown.length - height));
  const isOld = view.waitsBecause !== undefined;
  const rows = shown.slice(top, top + height).map((row, index): Line => {
    const line = lineOf(partsOf(row, size.columns, isAscii), size.columns);
    if (top + index === at) return { ...line, styles: 'i'.repeat(size.columns) };
    return isOld ? { ...line, styles: 'd'.repeat(size.columns) } : line;
  });
  return [lineOf([headOf(size.columns)], size.columns, 'i'), ...rows];
}

function page(view: View, size: Size, isAscii: boolean): Line[] {
  const { page: name, details, scrolled } = view;
  const width = Math.max(1, size.columns);
  const texts =
    name === 'keys'
      ? allKeys.map(([keys, does]) => `${keys.padEnd(12)} ${does}`)
      : details.map((line) => oneCellEach(line, isAscii));
  const title =
    name === 'keys' ? 'KEYS' : `DETAILS of ${oneCellEach(view.selected ?? '', isAscii)}`;
  const lines = texts.flatMap((text) => wrapped(text, width));
  return [
    lineOf([title], width, 'i'),
    ...lines.slice(Math.min(scrolled, Math.max(0, lines.length - 1))).map((text) => {
      return lineOf([text], width);
    }),
  ];
}

function footer(view: View, { columns }: Size, isAscii: boolean): Line {
  const { question, isFiltering, filter, message, page: name } = view;
  if (question) {
    const address = oneCellEach(question.address, isAscii);
    return lineOf([[`${questions[question.act](address)} y/n`, 'A']], columns);
  }
  if (isFiltering) return lineOf([['filter: ', 'b'], `${oneCellEach(filter, isAscii)}_`], columns);
  if (message !== '') return lineOf([[oneCellEach(message, isAscii), 'b']], columns);
  const keys = name === 'table' ? usualKeys : ['Escape back', 'up and down scroll'];
  return lineOf([fitting(keys, columns)], columns, 'd');
}

/** Exactly `size.rows` lines. */
export function screenOf(view: View, size: Size, isAscii: boolean): Line[] {
  const head = header(view, size, isAscii);
  view.pageRows = Math.max(1, size.rows - head.length - 2);
  const body = view.page === 'table' ? table(view, size, isAscii) : page(view, size, isAscii);
  const lines = [...head, ...body].slice(0, Math.max(0, size.rows - 1));
  while (lines.length < size.rows - 1) lines.push(lineOf([], size.columns));
  return [...lines, footer(view, size, isAscii)];
}

/** The same as text for a pipe or a page: all rows, and no line for keys. */
export function textOf(view: View, size: Size, isAscii: boolean): string[] {
  const lines = screenOf(view, size, isAscii)
    .slice(0, -1)
    .map(({ text }) => text.trimEnd());
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}
