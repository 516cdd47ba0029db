/**
 * A table as aligned lines, no longer than there is room.
 *
 * Guarantee: a line is longer than the screen is wide only where the columns that are always there
 * are. A column is left out as a whole, and only texts that may be cut are.
 */
import { printable } from '../runtime/log.ts';
import type { Cell, Column, Table } from './command.ts';
import { cutTo, displayWidth, isPlain } from './display-width.ts';
import { localTimes, localTimeWidth } from './local-time.ts';
import type { Screen } from './screen.ts';
import { shortDuration } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** Rows between two pieces. */
const rowsAtOnce = 500;
const gap = 2;
/** Of what goes below a row, and how narrow that may be. */
const indentation = '    ';
const leastBelow = 20;

/** Kept, because most paddings are of a few lengths. */
const kept = Array.from({ length: 64 }, (_, count) => ' '.repeat(count));

function spaces(count: number): string {
  return kept[count] ?? ' '.repeat(count);
}

/** A column by the texts in it. */
type Measured = {
  readonly column: Column;
  readonly at: number;
  width: number;
  /** Whether each of its texts can be shown as it is, and is as wide as it is long. */
  isPlain: boolean;
};

/** A column that is shown, in so many columns of the screen. */
type Place = Measured & { readonly shownWidth: number };

/**
 * The text in pieces that take little time each; the first ones are empty. All rows are measured before
 * the first line is made, and their texts made again then: to keep them would cost more.
 */
export function* tablePieces({ columns, rows, footer }: Table, screen: Screen): Generator<string> {
  const measured: Measured[] = columns.map((column, at) => {
    return { column, at, width: column.name.length, isPlain: true };
  });
  for (const [at, cells] of rows.entries()) {
    for (const each of measured) widen(each, cells[each.at] ?? '');
    if (at % rowsAtOnce === 0) yield '';
  }
  const places = placesIn(measured, screen.width);
  const localTime = localTimes();
  const names = columns.map(({ name }) => name);
  const header = `${screen.paint(lineOf(names, places, localTime), 'heading')}\n`;
  const below = places.find(({ column }) => column.goesBelow);
  let piece = header;
  let onScreen = 1;
  for (const [at, cells] of rows.entries()) {
    if (onScreen >= screen.height - 1) {
      piece += header;
      onScreen = 1;
    }
    const lines = [lineOf(cells, places, localTime)];
    if (below) lines.push(...linesBelow(cells[below.at] ?? '', below, screen.width));
    for (const line of lines) piece += `${line}\n`;
    onScreen += lines.length;
    if ((at + 1) % rowsAtOnce !== 0) continue;
    yield piece;
    piece = '';
  }
  yield screen.isTerminal && footer !== undefined ? `${piece}${footer}\n` : piece;
}

function widen(measured: Measured, cell: Cell): void {
  let width: number;
  if (typeof cell !== 'string') {
    width = widthOfNumber(cell, measured.column);
  } else if (isPlain(cell)) {
    width = cell.length;
  } else {
    width = displayWidth(printable(cell));
    measured.isPlain = false;
  }
  if (width > measured.width) measured.width = width;
}

function widthOfNumber(cell: number, { shows }: Column): number {
  return shows === 'instant' ? localTimeWidth : numberText(cell, shows).length;
}

function numberText(cell: number, shows: Exclude<Column['shows'], 'instant'>): string {
  return shows === 'duration' ? shortDuration(cell) : String(cell);
}

/** Takes columns by their rank until there is no more room; what is left makes cut ones wider. */
function placesIn(measured: readonly Measured[], screenWidth: number): Place[] {
  const wanted = measured.map((each) => {
    const least = Math.max(each.column.name.length, each.column.least ?? each.width);
    return { ...each, least: Math.min(each.width, least) };
  });
  const rankOf = ({ column }: Measured) => column.rank ?? 0;
  let room = screenWidth + gap;
  const taken = wanted
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .filter((each) => {
      const isTaken = rankOf(each) === 0 || each.least + gap <= room;
      if (isTaken) room -= each.least + gap;
      return isTaken;
    });
  const placed = taken.map((each) => {
    // What goes below its row, the heading too, never makes a line longer than the screen.
    const least = each.column.goesBelow ? 0 : each.least;
    const shownWidth = Math.max(least, Math.min(each.width, each.least + room));
    room -= shownWidth - each.least;
    return { ...each, shownWidth };
  });
  return placed.toSorted((a, b) => a.at - b.at);
}

function lineOf(
  cells: readonly Cell[],
  places: readonly Place[],
  localTime: (milliseconds: number) => string,
): string {
  let line = '';
  let padding = 0;
  for (const place of places) {
    const text = shownText(cells[place.at] ?? '', place, localTime);
    if (text !== '') line += spaces(padding) + text;
    const unused = place.shownWidth - (place.isPlain ? text.length : displayWidth(text)) + gap;
    padding = text === '' ? padding + unused : unused;
  }
  return line;
}

function shownText(
  cell: Cell,
  { column, isPlain, width, shownWidth }: Place,
  localTime: (milliseconds: number) => string,
): string {
  const { shows } = column;
  if (typeof cell !== 'string') {
    return shows === 'instant' ? localTime(cell) : numberText(cell, shows);
  }
  const text = isPlain ? cell : printable(cell);
  if (width <= shownWidth) return text;
  if (column.goesBelow) return displayWidth(text) > shownWidth ? '' : text;
  return cutTo(text, shownWidth);
}

/** What lineOf() has left out of the row for want of room. */
function linesBelow(cell: Cell, { shownWidth }: Place, screenWidth: number): string[] {
  const text = printable(String(cell));
  if (displayWidth(text) <= shownWidth) return [];
  const room = Math.max(leastBelow, screenWidth - indentation.length);
  return wrapText(text, room).map((line) => indentation + line);
}
