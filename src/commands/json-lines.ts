/**
 * Objects as `--json` and `--jsonl` print them: an array on one line, or each on a line of its own. They
 * may be very many, so they are put together in steps.
 */
import type { Work } from '../runtime/work.ts';
import type { Line } from './command.ts';

/** How many are written down in a step. */
const atOnce = 200;

export function* jsonLines<T>(
  all: readonly T[],
  objectOf: (each: T) => unknown,
  isArray: boolean,
): Work<Line[]> {
  const texts: string[] = [];
  for (const each of all) {
    const mark = isArray && texts.length > 0 ? ',' : '';
    if (texts.push(mark + JSON.stringify(objectOf(each))) % atOnce === 0) yield;
  }
  return isArray ? [{ pieces: ['[', ...texts, ']'] }] : texts;
}
