/** Blocks and addresses for tests. */

import { type Address, parseNetwork } from '../../src/core/address.ts';
import type { Block, NewBlock } from '../../src/core/block.ts';

export function address(text: string): Address {
  const parsed = parseNetwork(text);
  if (!parsed) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** A block of `text` for 120 seconds from second 1 000 000. */
export function newBlock(text: string, changes: Partial<NewBlock> = {}): NewBlock {
  return {
    address: address(text),
    class: 'ip',
    sinceMs: 1_000_000_000,
    untilMs: 1_000_120_000,
    count: 11,
    limit: 10,
    seconds: 60,
    times: 1,
    source: 'rate',
    reason: '',
    ...changes,
  };
}

export function block(text: string, changes: Partial<Block> = {}): Block {
  return { ...newBlock(text), replacedUntilMs: 0, ...changes };
}
