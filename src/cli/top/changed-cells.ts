/**
 * What to send to a terminal so that it shows other lines than before: the cells that changed, and no
 * others, because the line to the terminal may be slow.
 */
import { styleText } from 'node:util';
import type { Line, Style } from './lines.ts';

type Format = Parameters<typeof styleText>[0];

const formats: Readonly<Record<string, Format>> = {
  b: 'bold',
  d: 'dim',
  r: 'red',
  y: 'yellow',
  g: 'green',
  i: 'inverse',
  A: ['bold', 'red'],
} satisfies Record<Exclude<Style, ' '>, Format>;

const withoutColor: Readonly<Record<string, string>> = { r: ' ', y: ' ', g: ' ', A: 'b' };

/** Unchanged cells between two changed ones that cost less than moving the cursor over them. */
const bridged = 4;

function painted(text: string, styles: string, hasColor: boolean): string {
  let said = '';
  for (let at = 0; at < text.length; ) {
    const style = styles[at] as string;
    let end = at + 1;
    while (end < text.length && styles[end] === style) end += 1;
    const format = formats[hasColor ? style : (withoutColor[style] ?? style)];
    const some = text.slice(at, end);
    said += format === undefined ? some : styleText(format, some, { validateStream: false });
    at = end;
  }
  return said;
}

function isSame(before: Line | undefined, after: Line, at: number): boolean {
  return before?.text[at] === after.text[at] && before?.styles[at] === after.styles[at];
}

/** The columns from which and up to which the line is to be written. */
function* changedRuns(
  before: Line | undefined,
  after: Line,
): Generator<[from: number, to: number]> {
  const columns = after.text.length;
  for (let at = 0; at < columns; at += 1) {
    if (isSame(before, after, at)) continue;
    const from = at;
    let to = at + 1;
    for (at += 1; at < columns && at < to + bridged; at += 1) {
      if (!isSame(before, after, at)) to = at + 1;
    }
    yield [from, to];
    at = to;
  }
}

/** `before` is what the terminal shows, nothing after it was cleared; both are equally large. */
export function changedCells(
  before: readonly Line[],
  after: readonly Line[],
  hasColor: boolean,
): string {
  let said = '';
  after.forEach((line, row) => {
    for (const [from, to] of changedRuns(before[row], line)) {
      const isBlankBehind = /^ *$/.test(line.text.slice(from) + line.styles.slice(from));
      said += `\x1b[${row + 1};${from + 1}H`;
      if (isBlankBehind) {
        said += '\x1b[K';
        break;
      }
      said += painted(line.text.slice(from, to), line.styles.slice(from, to), hasColor);
    }
  });
  return said;
}
