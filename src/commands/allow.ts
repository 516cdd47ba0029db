/** `allow`: addresses that are never refused, also after a restart of the daemon. */
import type { AllowEntry } from '../gatekeeper/allowlist.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import type { Cell, Column, Command, CommandContext, CommandOptions, Outcome } from './command.ts';
import { leftUndone } from './left-undone.ts';
import {
  addressIn,
  addressToChange,
  countedNoun,
  duration,
  reasonIn,
  secondsInOption,
} from './words.ts';

type Action = (
  context: CommandContext,
  args: readonly string[],
  options: CommandOptions,
) => Outcome | Promise<Outcome>;

function entryJson({ address, sinceMs, untilMs, reason, source }: AllowEntry) {
  return {
    address: address.text,
    since: new Date(sinceMs).toISOString(),
    until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
    reason,
    source,
  };
}

const columns: readonly Column[] = [
  { name: 'ADDRESS' },
  { name: 'UNTIL', shows: 'instant', rank: 1 },
  { name: 'SOURCE', rank: 2 },
  { name: 'REASON', rank: 3, least: 12 },
];

function row({ address, untilMs, reason, source }: AllowEntry): Cell[] {
  return [address.text, untilMs ?? '-', source, reason || '-'];
}

const actions: Readonly<Record<string, Action>> = {
  async add(context, args, options) {
    const { gatekeeper, by } = context;
    const seconds = secondsInOption(options.for);
    const reason = reasonIn(options.reason);
    let hasFailed = false;
    const addresses = args.map((text) => addressToChange(text, Boolean(options.force)));
    const lines = addresses.map((address) => {
      const { lifted, fault } = gatekeeper.allow(address, seconds, reason, by);
      hasFailed ||= fault !== undefined;
      const time =
        seconds === undefined ? 'until it is taken back' : `for ${duration(seconds * 1000)}`;
      const unblocked = lifted.map((block) => `, unblocked ${block.address.text}`).join('');
      return `allowed ${address.text} ${time}${unblocked}${fault ? `; ${fault.detail}` : ''}`;
    });
    const undone = await leftUndone(context);
    const isDone = !hasFailed && undone.length === 0;
    return {
      exit: isDone ? exitCodes.done.code : exitCodes.later.code,
      lines: [...lines, ...undone],
    };
  },
  del({ gatekeeper, by }, args) {
    const removed = args.map(addressIn).map((address) => {
      const was = gatekeeper.disallow(address, by);
      const entry = gatekeeper.allowlist.entryFor(address);
      const still = entry ? `; ${entry.address.text} (${entry.source}) still allows it` : '';
      const what = was
        ? `no longer allowed ${address.text}`
        : `${address.text}: not added by an operator`;
      return { was, line: `${what}${still}` };
    });
    const exit = removed.some(({ was }) => was) ? exitCodes.done.code : exitCodes.refused.code;
    return { exit, lines: removed.map(({ line }) => line) };
  },
  list({ gatekeeper }, _, options) {
    const entries = gatekeeper.allowlist.entries();
    const lines = options.json
      ? [JSON.stringify(entries.map(entryJson))]
      : [
          {
            columns,
            rows: entries.map(row),
            footer: countedNoun(entries.length, 'entry', 'entries'),
          },
        ];
    return { exit: exitCodes.done.code, lines };
  },
};

export const allow: Command = {
  name: 'allow',
  arguments: '<action> [address...]',
  summary: 'add, del or list: addresses and networks that are never refused',
  options: [
    { flags: '--for <time>', summary: 'with add: how long (default: until it is taken back)' },
    { flags: '--reason <text>', summary: 'with add: a note that list shows' },
    { flags: '--force', summary: 'with add: even a network wider than /8, or /16 of IPv6' },
    { flags: '--json', summary: 'with list: print an array of objects' },
  ],
  choices: { action: Object.keys(actions) },
  changes: true,
  run(context, [name = '', ...args], options) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action || (args.length === 0) !== (name === 'list')) {
      throw new Fault('usage', 'allow wants: add ADDRESS..., del ADDRESS... or list');
    }
    return action(context, args, options);
  },
};
