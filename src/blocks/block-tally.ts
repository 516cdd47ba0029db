/** How many blocks were made since the start, by whom and for how long, and how they ended. */
import type { Block } from '../core/block.ts';

/** A block ends when it is over, by an operator, or because somebody removed its entry. */
export type EndCause = 'over' | 'unblocked' | 'file removed';

export class BlockTally {
  /** By source; `seconds` is how long they were to last, all together. */
  readonly made = {
    rate: { count: 0, seconds: 0 },
    operator: { count: 0, seconds: 0 },
  };

  readonly ended: Record<EndCause, number> = { over: 0, unblocked: 0, 'file removed': 0 };

  noteMade(source: Block['source'], seconds: number): void {
    if (source === 'dry run') return;
    this.made[source].count += 1;
    this.made[source].seconds += seconds;
  }

  noteEnded(end: EndCause, count: number): void {
    this.ended[end] += count;
  }
}
