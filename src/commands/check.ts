/** `check`: what is known of an address, and whether it is refused. Counts no hit. */

import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { EntryOwner } from '../enforcers/enforcer.ts';
import type { AllowEntry } from '../gatekeeper/allowlist.ts';
import type { Usage } from '../gatekeeper/gatekeeper.ts';
import { exitCodes } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import type { Command, CommandContext, Line } from './command.ts';
import { blockJson } from './list.ts';
import { addressIn, ageAndRest, countedNoun, duration, rateOf } from './words.ts';

/** What is known of one address. */
type Inspection = {
  readonly address: Address;
  readonly allowedBy: AllowEntry | undefined;
  readonly block: Block | undefined;
  readonly entryOwners: readonly { readonly enforcer: string; readonly owner: EntryOwner }[];
  readonly usages: readonly Usage[];
  /** Whether hits are counted here: only the daemon knows them. */
  readonly isCounting: boolean;
};

const ownerWords: Readonly<Record<EntryOwner, string>> = {
  ours: 'refused there by our block',
  theirs: "refused there by the administrator's own entry",
  absent: 'not refused there',
  unknown: 'cannot be told',
};

async function inspect(context: CommandContext, address: Address): Promise<Inspection> {
  const { gatekeeper } = context;
  const block = gatekeeper.blocks.covering(address);
  return {
    address,
    allowedBy: gatekeeper.allowlist.entryFor(address),
    block,
    entryOwners: gatekeeper.blocks.entryOwners(address),
    usages: await gatekeeper.usages(address),
    isCounting: context.daemon !== undefined,
  };
}

function isRefused({ block, entryOwners }: Inspection): boolean {
  const isKeptOut = ({ owner }: { readonly owner: EntryOwner }) => {
    return owner === 'ours' || owner === 'theirs';
  };
  return block !== undefined || entryOwners.some(isKeptOut);
}

function blockLines(found: Inspection, nowMs: number): string[] {
  const { address, block } = found;
  if (!block) return [`${address.text}: ${isRefused(found) ? 'refused' : 'not blocked'}`];
  const by = block.address.text === address.text ? '' : ` as part of ${block.address.text}`;
  const why =
    block.source === 'rate' ? `class ${block.class}, rate ${rateOf(block)}` : 'by an operator';
  const reason = block.reason ? `, reason ${quoted(block.reason)}` : '';
  return [
    `${address.text}: blocked${by} for ${duration(block.untilMs - nowMs)} more`,
    `  block: ${why}, ${ageAndRest(block, nowMs)}, times ${block.times}${reason}`,
  ];
}

function usageLines(usage: Usage, isCounting: boolean, nowMs: number): string[] {
  const {
    class: known,
    value,
    limit,
    rates,
    counts,
    sessions,
    nextPenalty,
    isDry,
    wouldBlock,
  } = usage;
  const pattern = limit ? `limit ${JSON.stringify(limit.pattern.text)}` : 'no limit matches';
  const dry = isDry ? ', dry run' : '';
  const where = `  class ${known.name}: ${value}`;
  const lines = rates.map((rate, index) => {
    const max = rate.count < 0 ? 'unlimited' : `${rate.count}`;
    const now = isCounting ? `${counts[index]} now` : 'count unknown: rater is not running';
    return `${where}: ${pattern}, ${max} in ${rate.seconds} seconds, ${now}${dry}`;
  });
  if (known.concurrent !== undefined && isCounting) {
    lines.push(`${where}: ${sessions} of ${known.concurrent} sessions open`);
  }
  if (wouldBlock) {
    const end = duration(wouldBlock.untilMs - nowMs);
    lines.push(`${where}: would be blocked for ${end} more, rate ${rateOf(wouldBlock)}`);
  }
  if (nextPenalty) {
    const past = countedNoun(nextPenalty.offences, 'offence');
    const next = duration(nextPenalty.nextSeconds * 1000);
    lines.push(`${where}: ${past} remembered, the next one blocks for ${next}`);
  }
  return lines;
}

function allowLine(entry: AllowEntry | undefined): Line {
  if (!entry) return '  allowlist: no';
  const by = `  allowlist: yes, by ${entry.address.text} (${entry.source})`;
  return entry.untilMs === undefined ? by : [`${by} until `, { ms: entry.untilMs }];
}

function linesOf(found: Inspection, nowMs: number): Line[] {
  return [
    ...blockLines(found, nowMs),
    ...found.entryOwners.map(({ enforcer, owner }) => `  ${enforcer}: ${ownerWords[owner]}`),
    ...found.usages.flatMap((usage) => usageLines(usage, found.isCounting, nowMs)),
    allowLine(found.allowedBy),
  ];
}

function jsonOf(found: Inspection, nowMs: number) {
  const { address, block, allowedBy, entryOwners, isCounting } = found;
  return {
    address: address.text,
    refused: isRefused(found),
    block: block ? blockJson(block, nowMs) : null,
    allowlisted: allowedBy?.address.text ?? null,
    servers: entryOwners.map(({ enforcer, owner }) => ({ enforcer, standing: owner })),
    limits: found.usages.map(
      ({ class: known, value, limit, rates, counts, sessions, ...more }) => ({
        class: known.name,
        value,
        pattern: limit?.pattern.text ?? null,
        rates,
        counts: isCounting ? counts : null,
        sessions: isCounting ? sessions : null,
        concurrent: known.concurrent ?? null,
        dryRun: more.isDry,
        wouldBlock: more.wouldBlock ? blockJson(more.wouldBlock, nowMs) : null,
        offences: more.nextPenalty?.offences ?? null,
        nextSeconds: more.nextPenalty?.nextSeconds ?? null,
      }),
    ),
  };
}

export const check: Command = {
  name: 'check',
  arguments: '<address>',
  summary: 'say whether an address is blocked, by what, and which limits apply',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  async run(context, [text = ''], options) {
    const found = await inspect(context, addressIn(text));
    const nowMs = context.clock.wallMs();
    return {
      exit: isRefused(found) ? exitCodes.refused.code : exitCodes.done.code,
      lines: options.json ? [JSON.stringify(jsonOf(found, nowMs))] : linesOf(found, nowMs),
    };
  },
};
