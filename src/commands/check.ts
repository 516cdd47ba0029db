/** `check`: what is known of an address, and whether it is refused. Makes no mark. */
import type { Standing } from '../enforcers/enforcer.ts';
import { exitCodes } from '../errors.ts';
import type { Inspection, Usage } from '../gatekeeper.ts';
import type { Command } from './command.ts';
import { blockJson } from './list.ts';
import { addressIn, ageAndRest, duration, rateOf } from './words.ts';

const standingWords: Readonly<Record<Standing, string>> = {
  ours: 'refused there by our block',
  theirs: "refused there by the administrator's own entry",
  absent: 'not refused there',
  unknown: 'cannot be told',
};

function isRefused(found: Inspection): boolean {
  return found.block !== undefined || found.standings.some(({ standing }) => standing === 'theirs');
}

function blockLines(found: Inspection, nowMs: number): string[] {
  const { address, block } = found;
  if (!block) return [`${address.text}: ${isRefused(found) ? 'refused' : 'not blocked'}`];
  const by = block.address.text === address.text ? '' : ` as part of ${block.address.text}`;
  const why =
    block.source === 'rate' ? `class ${block.class}, rate ${rateOf(block)}` : 'by an operator';
  const reason = block.reason ? `, reason ${JSON.stringify(block.reason)}` : '';
  return [
    `${address.text}: blocked${by} for ${duration(block.untilMs - nowMs)} more`,
    `  block: ${why}, ${ageAndRest(block, nowMs)}, times ${block.times}${reason}`,
  ];
}

function usageLines(usage: Usage, counted: boolean): string[] {
  const limit =
    usage.pattern === undefined ? 'no limit matches' : `limit ${JSON.stringify(usage.pattern)}`;
  return usage.rates.map((rate, index) => {
    const most = rate.count < 0 ? 'unlimited' : `${rate.count}`;
    const now = counted ? `${usage.counts[index]} now` : 'count unknown: rater is not running';
    return `  class ${usage.class}: ${limit}, ${most} in ${rate.seconds} seconds, ${now}`;
  });
}

export const check: Command = {
  name: 'check',
  arguments: '<address>',
  summary: 'say whether an address is blocked, by what, and which limits apply',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  async run({ gatekeeper, clock, daemon }, [text = ''], options) {
    const found = await gatekeeper.inspect(addressIn(text));
    const nowMs = clock.wallMs();
    const exit = isRefused(found) ? exitCodes.refused.code : exitCodes.done.code;
    const counted = daemon !== undefined;
    if (options.json) {
      const { address, allowedBy, block, standings, usages } = found;
      const json = {
        address: address.text,
        refused: exit !== 0,
        block: block ? blockJson(block, nowMs) : null,
        allowlisted: allowedBy?.text ?? null,
        servers: standings,
        limits: usages.map((usage) => (counted ? usage : { ...usage, counts: null })),
      };
      return { exit, lines: [JSON.stringify(json)] };
    }
    const lines = [
      ...blockLines(found, nowMs),
      ...found.standings.map(
        ({ enforcer, standing }) => `  ${enforcer}: ${standingWords[standing]}`,
      ),
      ...found.usages.flatMap((usage) => usageLines(usage, counted)),
      `  allowlist: ${found.allowedBy ? `yes, by ${found.allowedBy.text}` : 'no'}`,
    ];
    return { exit, lines };
  },
};
