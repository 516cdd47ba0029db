/**
 * What rater is doing when it is killed: how that is provoked, what rater says once it is done, and
 * what must be true from then on.
 */
import { connect } from 'node:net';
import { askDaemon } from '../../src/cli/ask-daemon.ts';
import { column, rawDatabase } from '../store/raw-database.ts';
import type { DoomedRater } from './doomed-rater.ts';
import { until } from './running-program.ts';
import type { Listed, Plan, Site } from './site.ts';

export type Round = {
  readonly site: Site;
  readonly rater: DoomedRater;
  /** One that no other round has. */
  readonly address: string;
};

export type Story = {
  readonly name: string;
  readonly plan: Plan;
  /** Brings the address to the edge. */
  readonly prepare: (round: Round) => Promise<unknown>;
  /** Pushes it over. What was said, though rater died; only all of it matches `told`. */
  readonly act: (round: Round) => Promise<string>;
  readonly told: RegExp;
  /** Whether the address is blocked when that was said. */
  readonly isThenBlocked: boolean;
  /** Whether the cdb says the same by then; when all is over it does in any case. */
  readonly isThenInCdb?: boolean;
  /** Whether that holds after the next start even if it was not said. */
  readonly isSureAnyway?: boolean;
  /** How long the block lasts when that was said. */
  readonly thenSeconds?: number;
  /** Whether what follows is done too. */
  readonly isOver?: (round: Round) => Promise<boolean>;
  /** Some of the steps, in their order. */
  readonly steps: readonly RegExp[];
};

/** Sends lines to the socket for checks; what comes back until as many are there, or rater dies. */
export function say(site: Site, ...lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(site.path('rater.sock'));
    let said = '';
    socket.setEncoding('latin1').on('data', (more) => {
      said += more;
      if (said.split('\n').length > lines.length) socket.destroy();
    });
    socket.on('error', () => undefined).on('close', () => resolve(said));
    socket.write(lines.map((line) => `${line}\n`).join(''));
  });
}

/** Sends rater a command; returns its answer, or nothing when it dies. */
async function order(site: Site, command: string, args: string[], options = {}): Promise<string> {
  const call = { command, arguments: args, options };
  const outcome = await askDaemon(site.path('control.sock'), call).catch(() => undefined);
  return outcome?.lines.join('\n') ?? '';
}

export async function listed(site: Site): Promise<Listed[]> {
  return JSON.parse(await order(site, 'list', [], { json: true })) as Listed[];
}

const limits = 'ip: ( ("*", 60, 4) );';
const withHistory: Plan = { limits, seconds: 3600 };
/** The history is written by the clock, which would make the steps others in each round. */
const plan: Plan = { ...withHistory, settings: 'history: 0;' };
const withCdb: Plan = { ...plan, rules: ':allow\n' };

const markToTheLimit = ({ site, address }: Round) => say(site, ...Array(4).fill(`ip ${address}`));
const markOnceMore = ({ site, address }: Round) => say(site, `ip ${address}`);
const block = ({ site, address }: Round, time: string) => {
  return order(site, 'block', [address], { for: time });
};

/** Whether the cdb has been replaced, to the last step. */
async function isCdbDone({ rater }: Round): Promise<boolean> {
  return rater.steps.some((step) => cdbDone.test(step));
}

/** To what something happened, by the history in the database. */
function eventValues(site: Site): unknown[] {
  const database = rawDatabase(site.path('blocks.db'), { readonly: true });
  try {
    return column(database, 'SELECT value FROM events');
  } finally {
    database.close();
  }
}

/** What rater logs until it has logged this or is gone. */
async function logUntil({ rater }: Round, pattern: RegExp): Promise<string> {
  const { program } = rater;
  const from = program.said.length;
  const more = () => program.said.slice(from);
  await until(String(pattern), () => pattern.test(more()) || !program.isRunning);
  return more();
}

async function logAtSigterm(round: Round): Promise<string> {
  const { program } = round.rater;
  program.signal('SIGTERM');
  await until('its end', () => !program.isRunning);
  return program.said;
}

/** With SIGTERM while the cdb is compiled and written beside other things. */
async function markAndSigterm(round: Round): Promise<string> {
  const { program } = round.rater;
  const said = await markOnceMore(round);
  const isBegun = () => round.rater.steps.some((step) => cdbBegun.test(step));
  await until('the cdb is being written', () => isBegun() || !program.isRunning);
  if (program.isRunning) program.signal('SIGTERM');
  return said;
}

const exceeding = {
  prepare: markToTheLimit,
  act: markOnceMore,
  told: /^1 5\/4 \d+\r\n$/,
  isThenBlocked: true,
} as const;

const store = /^pwrite64 .*\/blocks\.db-wal$/;
/** Node gives a child a socket, too, to write its log to. */
const log = /^write socket:/;
/** The native transport sends, node:net writes. */
const reply = /^(?:send|write) socket:/;
const preparedFile = [/^open64 .*\/peers\/\.\.127/, /^write .*\/\.\.127/, /^futimens .*\/\.\.127/];
const politeFile = [...preparedFile, /^link .*\/peers\/127/, /^unlink .*\/\.\.127/];
const newFile = [/^open64 .*\/peers\/127/, /^write .*\/peers\/127/, /^futimens /, /^fchmod /];
const cdbBegun = /^open64 .*\/\.\.rules\.cdb\.\d+\.tmp$/;
const cdbDone = /^fsync .*\/ipthrottle-[^/]+$/;
const cdb = [
  cdbBegun,
  /^write .*\/\.\.rules\.cdb\./,
  /^fsync .*\/\.\.rules\.cdb\./,
  /^rename .*\/rules\.cdb$/,
  cdbDone,
];

export const stories: readonly Story[] = [
  {
    name: 'blocks in the peers directory',
    plan,
    ...exceeding,
    steps: [store, ...newFile, log, reply],
  },
  {
    name: 'blocks politely in the peers directory',
    plan: { ...plan, blocking: 'mode: "polite";' },
    ...exceeding,
    steps: [store, ...politeFile, log, reply],
  },
  {
    name: 'blocks in the cdb',
    plan: withCdb,
    ...exceeding,
    isOver: isCdbDone,
    steps: [store, ...newFile, log, reply, ...cdb],
  },
  {
    name: 'writes what happened',
    plan: withHistory,
    ...exceeding,
    isOver: async ({ site, address }) => eventValues(site).includes(address),
    steps: [store, ...newFile, log, reply, store],
  },
  {
    name: 'gives a block a later end',
    plan,
    prepare: (round) => block(round, '1h'),
    act: (round) => block(round, '2h'),
    told: /^blocked .* for 2 hours$/,
    isThenBlocked: true,
    isSureAnyway: true,
    thenSeconds: 7200,
    steps: [store, ...preparedFile, /^rename .*\/peers\/127/, log, reply],
  },
  {
    name: 'lifts a block',
    plan: withCdb,
    prepare: (round) => block(round, '1h'),
    act: ({ site, address }) => order(site, 'unblock', [address]),
    told: /^unblocked /,
    isThenBlocked: false,
    isThenInCdb: true,
    steps: [/^unlink .*\/peers\/127/, store, log, ...cdb, reply],
  },
  {
    name: 'ends a block that is over',
    plan,
    // It must not be over before the step is chosen.
    prepare: (round) => block(round, '3s'),
    act: (round) => logUntil(round, /block ended: .*\n/),
    told: /block ended: .*\n/,
    isThenBlocked: false,
    isSureAnyway: true,
    steps: [/^unlink .*\/peers\/127/, store, log],
  },
  {
    name: 'ends by SIGTERM',
    plan: withCdb,
    prepare: (round) => block(round, '1h'),
    act: logAtSigterm,
    told: /stopped/,
    isThenBlocked: true,
    isThenInCdb: true,
    isSureAnyway: true,
    steps: [/^unlink .*\/rater\.sock$/, /^pwrite64 .*\/blocks\.db$/, /^unlink .*db-wal$/, log],
  },
  {
    name: 'ends by SIGTERM while it writes the cdb',
    plan: withCdb,
    ...exceeding,
    act: markAndSigterm,
    isOver: async ({ rater }) => !rater.program.isRunning,
    steps: [store, ...newFile, log, reply, ...cdb, /^pwrite64 .*\/blocks\.db$/, log],
  },
];
