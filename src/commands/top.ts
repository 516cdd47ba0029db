/**
 * `top`: the values that are hit most now, and how rater is. What the live view of ipthrottle(8) asks
 * once for each of its screens.
 */
import { type BusyValue, busyOrders } from '../gatekeeper/busy-value.ts';
import { type BusyAnswer, type BusyRequest, mostBusy } from '../gatekeeper/busy-values.ts';
import { degradedModes } from '../health/degraded-modes.ts';
import type { Health } from '../health/health.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import {
  type Cell,
  type Column,
  type Command,
  type CommandContext,
  type CommandOptions,
  daemonOf,
  type Line,
} from './command.ts';
import { blockJson } from './list.ts';
import { counters, dryClasses, troubleJson } from './status.ts';
import { duration } from './words.ts';

const usualRows = 20;
const longestFilter = 200;

/** A way in which clients get in unchecked, and how often that happened. */
function failedOpen(health: Health) {
  return health.tallies().flatMap(({ mode, count, sinceMs }) => {
    const failsOpen = degradedModes[mode].effect === 'fails open';
    return failsOpen && count > 0 ? [{ mode, count, isNow: sinceMs !== undefined }] : [];
  });
}

function valueJson(busy: BusyValue, nowMs: number) {
  const { block, wouldBlock, rate } = busy;
  return {
    class: busy.class,
    value: busy.value,
    address: busy.address?.text ?? null,
    count: busy.count,
    limit: rate.count,
    seconds: rate.seconds,
    pattern: busy.pattern ?? null,
    perSecond: Number(busy.perSecond.toPrecision(4)),
    rememberedSeconds: Number((busy.rememberedMs / 1000).toPrecision(4)),
    lastMinute: busy.lastMinute ?? null,
    history: busy.history.map((hits) => hits ?? null),
    sessions: busy.sessions,
    concurrent: busy.concurrent ?? null,
    allowlisted: busy.isAllowed,
    block: block ? blockJson(block, nowMs) : null,
    wouldBlock: wouldBlock ? blockJson(wouldBlock, nowMs) : null,
  };
}

/** All that a screen shows. */
function screenJson(context: CommandContext, { values, chosenMsAgo, tick }: BusyAnswer) {
  const { gatekeeper, config, clock } = context;
  const daemon = daemonOf(context);
  const nowMs = clock.wallMs();
  return {
    now: new Date(nowMs).toISOString(),
    uptimeSeconds: Math.round((nowMs - daemon.startedMs) / 1000),
    rates: daemon.checkTotals().rates.map(({ seconds, perSecond }) => {
      return { seconds, perSecond: perSecond ?? null };
    }),
    counters: counters(gatekeeper, daemon),
    blocks: gatekeeper.blocks.size,
    trackedValues: gatekeeper.trackedValues,
    sessions: gatekeeper.openSessions,
    enforce: gatekeeper.verdicts.isEnforcing,
    dryRun: dryClasses(config),
    classes: [...config.classes.keys()],
    failedOpen: failedOpen(gatekeeper.health),
    troubles: gatekeeper.health.troubles().map(troubleJson),
    chosenSecondsAgo: Number((chosenMsAgo / 1000).toFixed(1)),
    tick,
    values: values.map((value) => valueJson(value, nowMs)),
  };
}

export type TopScreen = ReturnType<typeof screenJson>;
export type TopValue = ReturnType<typeof valueJson>;

/** @throws Fault `usage` */
export function topRequest(options: CommandOptions): BusyRequest {
  const { sort = 'rate', rows = String(usualRows), class: name, filter = '' } = options;
  const order = busyOrders.find((each) => each === sort);
  if (!order) {
    throw new Fault(
      'usage',
      `--sort is one of ${busyOrders.join(', ')}, not ${quoted(String(sort))}`,
    );
  }
  const many = /^\d{1,3}$/.test(String(rows)) ? Number(rows) : 0;
  if (many < 1 || many > mostBusy) {
    throw new Fault(
      'usage',
      `--rows is a number from 1 to ${mostBusy}, not ${quoted(String(rows))}`,
    );
  }
  return {
    order,
    rows: many,
    class: name === undefined ? undefined : String(name),
    filter: String(filter).slice(0, longestFilter).toLowerCase(),
  };
}

/** A limit of -1 is none. */
export function countOf({ count, limit, seconds }: TopValue): string {
  return `${count}/${limit < 0 ? '-' : limit}/${seconds}s`;
}

function stateOf({ block, wouldBlock, allowlisted }: TopValue): string {
  if (block) return `blocked ${duration(block.secondsLeft * 1000)}`;
  if (wouldBlock) return 'would block';
  return allowlisted ? 'allowed' : '-';
}

const columns: readonly Column[] = [
  { name: 'VALUE' },
  { name: 'CLASS' },
  { name: 'RATE' },
  { name: 'PER SECOND' },
  { name: 'SESSIONS' },
  { name: 'STATE' },
];

function textOf({ counters: counted, blocks, values }: TopScreen): Line[] {
  const refused = counted.exceeded + counted.blocked;
  const rows = values.map((value): Cell[] => {
    const { class: name, perSecond, sessions } = value;
    return [
      ...[quoted(value.value), name, countOf(value)],
      ...[perSecond.toFixed(1), sessions, stateOf(value)],
    ];
  });
  return [`checks: ${counted.checks}, refused: ${refused}, blocks: ${blocks}`, { columns, rows }];
}

export const top: Command = {
  name: 'top',
  arguments: '',
  summary: 'show the values that are hit most now',
  options: [
    { flags: '--sort <order>', summary: `by ${busyOrders.join(', ')} (default: rate)` },
    { flags: '--class <class>', summary: 'only values of this class' },
    { flags: '--filter <text>', summary: 'only values with this text in them' },
    { flags: '--rows <count>', summary: `how many, up to ${mostBusy} (default: ${usualRows})` },
    { flags: '--json', summary: 'print one object' },
  ],
  changes: false,
  needsDaemon: true,
  async run(context, _, options) {
    const request = topRequest(options);
    const { class: name } = request;
    if (name !== undefined && !context.config.classes.has(name)) {
      const known = [...context.config.classes.keys()].join(', ');
      throw new Fault('usage', `no such class: ${quoted(name)}; there are ${known}`);
    }
    const screen = screenJson(context, await context.gatekeeper.busyValues.get(request));
    return { exit: 0, lines: options.json ? [JSON.stringify(screen)] : textOf(screen) };
  },
};
