/**
 * An outcome as one line of JSON, as it travels from rater to ipthrottle. It comes in pieces that take
 * little time each: a table of all blocks would keep everybody waiting.
 */
import type { Line, Outcome } from './command.ts';

/** Rows or texts in a piece. */
const atOnce = 200;

export function* outcomePieces({ exit, lines }: Outcome): Generator<string> {
  yield `{"exit":${exit},"lines":[`;
  for (const [at, line] of lines.entries()) {
    if (at > 0) yield ',';
    yield* linePieces(line);
  }
  yield ']}\n';
}

function* linePieces(line: Line): Generator<string> {
  if (typeof line === 'object' && 'rows' in line) {
    const { rows, ...rest } = line;
    yield* memberPieces(rest, 'rows', rows);
  } else if (typeof line === 'object' && 'pieces' in line) {
    yield* memberPieces({}, 'pieces', line.pieces);
  } else {
    yield JSON.stringify(line);
  }
}

/** An object whose last member is a long array. */
function* memberPieces(rest: object, name: string, all: readonly unknown[]): Generator<string> {
  const before = JSON.stringify(rest).slice(0, -1);
  yield `${before}${before === '{' ? '' : ','}"${name}":[`;
  for (let at = 0; at < all.length; at += atOnce) {
    yield `${at > 0 ? ',' : ''}${JSON.stringify(all.slice(at, at + atOnce)).slice(1, -1)}`;
  }
  yield ']}';
}
