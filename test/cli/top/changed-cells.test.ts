import xterm from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedCells } from '../../../src/cli/top/changed-cells.ts';
import { type Line, lineOf, type Style } from '../../../src/cli/top/lines.ts';

const [columns, rows] = [30, 5];

const style = fc.constantFrom<Style>(' ', ' ', ' ', 'b', 'd', 'r', 'y', 'g', 'i', 'A');
const part = fc.tuple(fc.stringMatching(/^[ a-c]{0,12}$/), style);
const line = fc.array(part, { maxLength: 5 }).map((parts): Line => lineOf(parts, columns));
const picture = fc.array(line, { minLength: rows, maxLength: rows });

/** Letters and styles as the terminal shows them. */
function seen(terminal: InstanceType<typeof xterm.Terminal>): Line[] {
  return Array.from({ length: rows }, (_, row) => {
    let [text, styles] = ['', ''];
    for (let column = 0; column < columns; column += 1) {
      const cell = terminal.buffer.active.getLine(row)?.getCell(column);
      if (!cell) throw new Error('no cell');
      text += cell.getChars() || ' ';
      const color = ['', 'r', 'g', 'y'][cell.isFgDefault() ? 0 : cell.getFgColor()] ?? '?';
      const bold = cell.isBold() ? (color === 'r' ? 'A' : 'b') : color;
      styles += cell.isInverse() ? 'i' : cell.isDim() ? 'd' : bold || ' ';
    }
    return { text, styles };
  });
}

test('a terminal shows each picture, whatever it has shown before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(picture, { minLength: 1, maxLength: 5 }), async (pictures) => {
      const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
      let before: readonly Line[] = [];
      for (const after of pictures) {
        const changes = changedCells(before, after, true);
        await new Promise<void>((resolve) => terminal.write(changes, resolve));
        expect(seen(terminal)).toEqual(after);
        before = after;
      }
    }),
  );
});

test('only what changed is sent', () => {
  const before = [lineOf(['one two three'], columns), lineOf([['same', 'r']], columns)];
  expect(changedCells(before, before, true)).toBe('');
  const after = [lineOf(['one TWO three'], columns), lineOf([['same', 'r']], columns)];
  expect(changedCells(before, after, true)).toBe('\x1b[1;5HTWO');
  expect(changedCells(before, [lineOf(['one'], columns), before[1] as Line], true)).toBe(
    '\x1b[1;5H\x1b[K',
  );
});

test('without colours there is bold, dim and inverse', () => {
  const styles = [' ', 'b', 'd', 'r', 'y', 'g', 'i', 'A'] as const;
  const painted = changedCells(
    [],
    [
      lineOf(
        styles.map((each) => ['x', each]),
        8,
      ),
    ],
    false,
  );
  expect(painted).toBe(
    '\x1b[1;1Hx\x1b[1mx\x1b[22m\x1b[2mx\x1b[22mxxx\x1b[7mx\x1b[27m\x1b[1mx\x1b[22m',
  );
});
