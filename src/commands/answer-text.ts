/**
 * What a command says as text, with its instants in the zone of this process.
 *
 * Guarantee: nothing in it can drive a terminal or forge a line.
 */
import { printable } from '../runtime/log.ts';
import type { Line, Row } from './command.ts';
import { localTime } from './local-time.ts';
import { endlessPaper, type Screen, type Style } from './screen.ts';
import { tablePieces } from './text-table.ts';

const styles: Readonly<Record<string, Style>> = {
  problem: 'problem',
  trouble: 'problem',
  hint: 'hint',
  degraded: 'hint',
};

/** Whole lines in pieces that take little time each, with a line feed behind every line. */
export function* textPieces(lines: readonly Line[], screen = endlessPaper): Generator<string> {
  for (const line of lines) {
    if (typeof line === 'object' && 'rows' in line) yield* tablePieces(line, screen);
    else yield `${painted(printable(lineText(line)), screen)}\n`;
  }
}

/** The same, line by line. */
export function textLines(lines: readonly Line[]): string[] {
  return [...textPieces(lines)].join('').split('\n').slice(0, -1);
}

function lineText(line: Exclude<Line, { rows: unknown }>): string {
  if (typeof line === 'string') return line;
  return 'pieces' in line ? line.pieces.join('') : rowText(line);
}

function rowText(row: Row): string {
  return row.map((part) => (typeof part === 'string' ? part : localTime(part.ms))).join('');
}

/** In the colour of its first word. */
function painted(text: string, screen: Screen): string {
  const style = styles[/^\w+(?=: )/.exec(text)?.[0] ?? ''];
  return style ? screen.paint(text, style) : text;
}
