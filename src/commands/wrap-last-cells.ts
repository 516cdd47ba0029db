/** Fits a table whose last column holds sentences to a terminal: they go below their rows. */

const indentation = '    ';
/** Narrower than this nothing is made. */
const leastWidth = 20;

/** The lines of a table; of those that are too long the last cell is wrapped below the others. */
export function wrapLastCells(
  lines: readonly string[],
  rows: readonly string[][],
  columns: number,
): string[] {
  return lines.flatMap((line, index) => {
    if (line.length <= columns) return line;
    const last = rows[index]?.at(-1) ?? '';
    const others = line.slice(0, line.length - last.length).trimEnd();
    return [
      others,
      ...wrapped(last, columns - indentation.length).map((piece) => indentation + piece),
    ];
  });
}

/** Pieces of at most so many characters, cut at blanks where there are any. */
function wrapped(text: string, width: number): string[] {
  const room = Math.max(width, leastWidth);
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const blank = rest.lastIndexOf(' ', room);
    const end = blank > 0 ? blank : room;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...pieces, rest];
}
