/** Events for tests. */
import type { HistoryEvent } from '../../src/core/history-event.ts';

/** A block of 192.0.2.1 for its limit, but for what is changed. */
export function happened(changes: Partial<HistoryEvent> = {}): HistoryEvent {
  return {
    atMs: 1_000_000_000,
    event: 'blocked',
    class: 'ip',
    value: '192.0.2.1',
    by: 'rater',
    reason: '',
    count: 11,
    limit: 10,
    seconds: 60,
    forMs: 120_000,
    times: 1,
    ...changes,
  };
}
