/**
 * Who wants to know what happens in a replay as it happens, such as a report. Each part is optional
 * and costs nothing where it is left out. Instants are wall milliseconds of the log.
 */
import type { Value } from '../core/value.ts';

/**
 * What would have become of a connection:
 * - `let in`;
 * - `blocked`: it exceeded a limit, was refused, and a block began;
 * - `kept out`: refused because of a block that was in force;
 * - `refused`: it exceeded a limit of a class that blocks nobody;
 * - `not counted`: its class is none of the configuration, or its value is no address.
 */
export type ReplayOutcome = 'let in' | 'blocked' | 'kept out' | 'refused' | 'not counted';

export interface ReplayObserver {
  /** `value` is the text of the client, or the bits of its IPv4 address. */
  connection?(atMs: number, className: string, value: Value, outcome: ReplayOutcome): void;
  /** `address` may be a network; `offence` is 1 for the first of it that is remembered. */
  blocked?(
    atMs: number,
    address: string,
    className: string,
    seconds: number,
    offence: number,
  ): void;
  unblocked?(atMs: number, address: string): void;
}
