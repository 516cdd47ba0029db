/** `block`: an operator's own block. */
import type { Command } from './command.ts';
import { addressToChange, duration, reasonIn, secondsInOption } from './words.ts';

export const block: Command = {
  name: 'block',
  arguments: '<address...>',
  summary: 'block addresses or networks now',
  options: [
    {
      flags: '--for <time>',
      summary: 'how long: seconds, or 90s, 15m, 2h, 1d (default: blocking.time)',
    },
    { flags: '--reason <text>', summary: 'a note that list --json shows' },
    { flags: '--force', summary: 'even a network wider than /8, or /16 of IPv6' },
  ],
  changes: true,
  run({ gatekeeper }, args, options) {
    const addresses = args.map((text) => addressToChange(text, Boolean(options.force)));
    const seconds = secondsInOption(options.for);
    const reason = reasonIn(options.reason);
    for (const address of addresses) gatekeeper.mayBlock(address);
    const lines = addresses.map((address) => {
      const { sinceMs, untilMs } = gatekeeper.block({ address, seconds, reason });
      return `blocked ${address.text} for ${duration(untilMs - sinceMs)}`;
    });
    return { exit: 0, lines };
  },
};
