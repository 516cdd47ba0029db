/** Which blocks `list` shows, and in which order, by its options. */
import { didYouMean } from '../config/closest-name.ts';
import { type Address, contains } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { sorting } from '../runtime/sorting.ts';
import type { Work } from '../runtime/work.ts';
import type { CommandContext, CommandOptions } from './command.ts';
import { addressIn } from './words.ts';

/** How many blocks are looked at in a step. */
const atOnce = 200;

type Compare = (a: Block, b: Block) => number;

function byAddress({ address: a }: Block, { address: b }: Block): number {
  if (a.family !== b.family) return a.family - b.family;
  const at = a.octets.findIndex((octet, index) => octet !== b.octets[index]);
  return at < 0
    ? a.prefixLength - b.prefixLength
    : (a.octets[at] as number) - (b.octets[at] as number);
}

function byClass({ class: a }: Block, { class: b }: Block): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

const orders: Readonly<Record<string, Compare>> = {
  left: (a, b) => a.untilMs - b.untilMs,
  since: (a, b) => b.sinceMs - a.sinceMs,
  address: byAddress,
  class: byClass,
  times: (a, b) => b.times - a.times,
};

const sources: Readonly<Record<string, Block['source']>> = {
  rate: 'rate',
  operator: 'operator',
  'dry-run': 'dry run',
};

/** What may stand for the placeholders of its options. */
export const choices = { source: Object.keys(sources), order: Object.keys(orders) };

/** The one of the table that an option names. @throws Fault `usage` */
function choiceOf<T>(
  table: Readonly<Record<string, T>>,
  options: CommandOptions,
  name: string,
): T | undefined {
  const option = options[name];
  if (option === undefined) return undefined;
  const text = String(option);
  if (Object.hasOwn(table, text)) return table[text];
  throw new Fault(
    'usage',
    `--${name}: not one of ${Object.keys(table).join(', ')}: ${quoted(text)}`,
  );
}

/** @throws Fault `usage` */
function limitIn({ limit }: CommandOptions): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(String(limit))) return Number(limit);
  throw new Fault('usage', `--limit: not a number of blocks: ${quoted(String(limit))}`);
}

function overlap(a: Address, b: Address): boolean {
  return contains(a, b) || contains(b, a);
}

type Choice = {
  readonly isWanted: (block: Block) => boolean;
  /** Undefined: in their order of ending, those of dry runs last. */
  readonly order: Compare | undefined;
  readonly limit: number;
};

/** @throws Fault `usage` */
function choiceIn(options: CommandOptions): Choice {
  const source = choiceOf(sources, options, 'source');
  const network = options.network === undefined ? undefined : addressIn(String(options.network));
  return {
    isWanted: (block) =>
      (options.class === undefined || block.class === options.class) &&
      (source === undefined || block.source === source) &&
      (network === undefined || overlap(network, block.address)),
    order: choiceOf(orders, options, 'sort'),
    limit: limitIn(options),
  };
}

/** A class without a block that the configuration does not have is a mistake. @throws Fault `usage` */
function checkClass({ class: name }: CommandOptions, config: CommandContext['config']): void {
  const text = String(name);
  if (name === undefined || config.classes.has(text)) return;
  const hint = didYouMean(text, config.classes.keys());
  throw new Fault('usage', `no such class: ${quoted(text)}${hint}`);
}

/** The blocks that are wanted, in their order, and how many there are of all kinds. */
export function* choosing(
  { gatekeeper, config }: CommandContext,
  options: CommandOptions,
  nowMs: number,
): Work<{ readonly chosen: readonly Block[]; readonly all: number }> {
  const { isWanted, order, limit } = choiceIn(options);
  const inForce = [...gatekeeper.blocks.values()];
  const wanted: Block[] = [];
  let all = 0;
  for (const [at, block] of inForce.entries()) {
    if (block.untilMs > nowMs) {
      all += 1;
      if (isWanted(block)) wanted.push(block);
    }
    if (at % atOnce === 0) yield;
  }
  const dry = gatekeeper.dryRuns.all();
  all += dry.length;
  const wantedDry = dry.filter(isWanted);
  if (wanted.length + wantedDry.length === 0) checkClass(options, config);
  const chosen = order
    ? yield* sorting([...wanted, ...wantedDry], order)
    : [...(yield* sorting(wanted, orders.left as Compare)), ...wantedDry];
  return { chosen: limit < chosen.length ? chosen.slice(0, limit) : chosen, all };
}
