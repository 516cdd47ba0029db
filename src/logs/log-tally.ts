/**
 * What became of the lines that were read, with the first ones that nothing was made of.
 */
import type { LineKind } from './log-line.ts';

/** A line and where it is. */
export type ShownLine = { readonly file: string; readonly line: number; readonly text: string };

const shown = 3;
const longestShown = 120;

export class LogTally {
  /** How many lines of each kind. A line that is too long, or has no end, is unknown. */
  readonly counts: Record<LineKind, number> = {
    connection: 0,
    other: 0,
    undated: 0,
    'no address': 0,
    unknown: 0,
  };
  /** The first ones that are unknown, undated or from no address. */
  readonly examples: ShownLine[] = [];

  get lines(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count);
  }

  /** Counts a line that is no connection. */
  leaveOut(
    kind: LineKind,
    file: string,
    line: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    this.counts[kind] += 1;
    if (kind === 'other' || this.examples.length >= shown) return;
    const text = bytes.toString('utf8', start, Math.min(end, start + longestShown));
    this.examples.push({ file, line, text: end > start + longestShown ? `${text}...` : text });
  }
}
