/** `block`: an operator's own block, and what became of it at each server. */
import type { Fate } from '../blocks/enforcement.ts';
import { exitCodes } from '../runtime/errors.ts';
import type { Command } from './command.ts';
import { leftUndone } from './left-undone.ts';
import { addressToChange, duration, reasonIn, secondsInOption } from './words.ts';

const fateWords: Readonly<Record<Fate['became'], string>> = {
  'in force': 'in force',
  pending: 'pending, until then rater refuses it itself',
  'not possible': 'not possible there, rater refuses it itself',
  failed: 'failed',
};

/** Nothing when it is in force everywhere. */
function fateLines(fates: readonly Fate[], isRunning: boolean): string[] {
  if (fates.every(({ became }) => became === 'in force')) return [];
  return fates.map(({ enforcer, became, why }) => {
    const isRaters = became === 'pending' || became === 'not possible';
    const when = isRaters && !isRunning ? ' once it runs' : '';
    return `  ${enforcer}: ${fateWords[became]}${when}${why === undefined ? '' : `: ${why}`}`;
  });
}

export const block: Command = {
  name: 'block',
  arguments: '<address...>',
  summary: 'block addresses or networks now',
  options: [
    {
      flags: '--for <time>',
      summary: 'how long: seconds, or 90s, 15m, 2h, 1d, 2w (default: blocking.time)',
    },
    { flags: '--reason <text>', summary: 'a note that list, check and history show' },
    { flags: '--force', summary: 'even a network wider than /8, or /16 of IPv6' },
  ],
  changes: true,
  async run(context, args, options) {
    const { gatekeeper, by } = context;
    const addresses = args.map((text) => addressToChange(text, Boolean(options.force)));
    const seconds = secondsInOption(options.for);
    const reason = reasonIn(options.reason);
    for (const address of addresses) gatekeeper.mayBlock(address);
    const blocked = addresses.map((address) => {
      const { sinceMs, untilMs } = gatekeeper.block({ address, seconds, reason, by });
      return { address, line: `blocked ${address.text} for ${duration(untilMs - sinceMs)}` };
    });
    const undone = await leftUndone(context);
    const told = blocked.map(({ address, line }) => {
      return { line, fates: gatekeeper.blocks.fates(address) };
    });
    const hasFailed = told.some(({ fates }) => fates.some(({ became }) => became === 'failed'));
    const isRunning = context.daemon !== undefined;
    return {
      exit: hasFailed || undone.length > 0 ? exitCodes.later.code : exitCodes.done.code,
      lines: [
        ...told.flatMap(({ line, fates }) => [line, ...fateLines(fates, isRunning)]),
        ...undone,
      ],
    };
  },
};
