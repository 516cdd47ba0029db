/**
 * Each way in which rater does less than it should, brought about for real: status and doctor
 * report it, how often and since when, and that it is over.
 *
 * Tests: src/daemon/database-watch.ts, src/enforcers/enforcer-events.ts
 * Tests: src/enforcers/enforcer-kind.ts, src/enforcers/kinds.ts
 * Tests: src/enforcers/peers/peers-kind.ts, src/enforcers/tcprules/tcprules-kind.ts
 * Tests: src/health/degraded-modes.ts, src/health/health.ts
 */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { degradedModes, type ModeName } from '../../src/health/degraded-modes.ts';
import { examine } from '../doctor/examination.ts';
import { rawDatabase } from '../store/raw-database.ts';
import { ask } from './line-client.ts';
import { cannotBecomeNobody, nobody } from './nobody.ts';
import { type RunningProgram, until } from './running-program.ts';
import { type Plan, Site } from './site.ts';

const isRoot = process.getuid?.() === 0;

let site: Site;
/** What a case leaves open. */
const open: (() => void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) close();
  await site.stop();
});

type Told = {
  readonly effect: string;
  readonly count: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly since: string | null;
};

type Status = {
  readonly degraded: Readonly<Record<ModeName, Told>>;
  readonly troubles: readonly { readonly mode: ModeName; readonly failures: number }[];
};

/** Asks as ipthrottle does, which itself stops at a configuration with mistakes. */
async function answer(json: boolean): Promise<{ exit: number; stdout: string }> {
  const call = JSON.stringify({ command: 'status', arguments: [], options: { json } });
  const { exit, lines } = JSON.parse(await ask({ path: site.path('control.sock') }, [`${call}\n`]));
  return { exit, stdout: lines.join('\n') };
}

async function status(): Promise<Status> {
  return JSON.parse((await answer(true)).stdout);
}

function say(...lines: string[]): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [lines.map((line) => `${line}\n`).join('')]);
}

/** The outcome of a program behind ratecheck, which waits a moment. */
function ratecheck(address: string): string {
  const program = fileURLToPath(new URL('../../bin/ratecheck', import.meta.url));
  const args = ['-s', site.path('rater.sock'), '-t', '50', '-v', address, 'echo', 'served'];
  return spawnSync(program, args, { encoding: 'utf8' }).stdout;
}

function client(): Promise<Socket> {
  const socket = connect(site.path('rater.sock')).on('error', () => {});
  open.push(() => socket.destroy());
  return once(socket.resume(), 'connect').then(() => socket);
}

type Case = {
  readonly mode: ModeName;
  readonly plan?: Plan;
  /** As another user than root, whom permissions stop. */
  readonly isUnprivileged?: boolean;
  /** Before rater starts. */
  readonly before?: () => void;
  readonly breaks: (rater: RunningProgram) => unknown;
  /** Absent: it ends after a minute in which it does not happen. */
  readonly mend?: () => unknown;
  /** How often it has happened, where nothing tries again by itself. */
  readonly times?: number;
};

const cases: readonly Case[] = [
  {
    mode: 'database',
    async breaks() {
      const other = rawDatabase(site.path('blocks.db'));
      open.push(() => other.close());
      other.exec('BEGIN IMMEDIATE');
      await site.ipthrottle('block', '192.0.2.1');
    },
    mend: () => open.pop()?.(),
  },
  {
    mode: 'database file',
    breaks: () => renameSync(site.path('blocks.db'), site.path('away')),
    mend: () => renameSync(site.path('away'), site.path('blocks.db')),
  },
  {
    mode: 'lock',
    breaks() {
      const other = rawDatabase(site.path('other.lock'));
      open.push(() => other.close());
      other.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      renameSync(site.path('other.lock'), site.path('blocks.db.lock'));
    },
    mend: () => open.pop()?.(),
  },
  {
    mode: 'server',
    async breaks() {
      renameSync(site.path('peers'), site.path('away'));
      writeFileSync(site.path('peers'), 'a file in its place');
      await site.ipthrottle('block', '192.0.2.1');
    },
    mend() {
      rmSync(site.path('peers'));
      renameSync(site.path('away'), site.path('peers'));
    },
  },
  {
    mode: 'cdb',
    plan: { rules: ':allow\n' },
    breaks: () => writeFileSync(site.path('rules'), '192.0.2.1:refuse\n'),
    mend: () => writeFileSync(site.path('rules'), '192.0.2.1:deny\n:allow\n'),
  },
  {
    mode: 'connection refused',
    plan: { settings: 'max_connections: 1;' },
    async breaks() {
      await client();
      for (let turn = 0; turn < 3; turn += 1) await once(await client(), 'close');
    },
    times: 3,
  },
  {
    mode: 'reply too late',
    async breaks(rater) {
      rater.signal('SIGSTOP');
      for (let turn = 0; turn < 3; turn += 1) expect(ratecheck('192.0.2.1')).toBe('served\n');
      rater.signal('SIGCONT');
      await until(
        'all are told',
        async () => (await status()).degraded['reply too late'].count > 2,
      );
    },
    times: 3,
  },
  {
    mode: 'failed open',
    async breaks() {
      for (let turn = 0; turn < 3; turn += 1) expect(ratecheck('')).toBe('served\n');
      await until('all are told', async () => (await status()).degraded['failed open'].count > 2);
    },
    times: 3,
  },
  {
    mode: 'failed open file',
    breaks() {
      rmSync(site.path('rater.sock.failed-open'));
      mkdirSync(site.path('rater.sock.failed-open'));
    },
    mend: () => rmSync(site.path('rater.sock.failed-open'), { recursive: true }),
  },
  {
    mode: 'block not made',
    plan: { limits: 'ip: ( ("*", 60, 1) );', settings: 'max_blocks: 1;' },
    breaks: () => say(...['ip 192.0.2.1', 'ip 192.0.2.2', 'ip 192.0.2.2'].flatMap((l) => [l, l])),
    times: 3,
  },
  {
    mode: 'value forgotten',
    plan: { settings: 'max_values: 1;' },
    breaks: () => say('ip 192.0.2.1', 'ip 192.0.2.2', 'ip 192.0.2.3'),
    times: 2,
  },
  {
    mode: 'allowlist',
    isUnprivileged: true,
    async breaks() {
      await site.ipthrottle('block', '192.0.2.1', '192.0.2.2');
      chmodSync(site.path('peers'), 0o555);
      expect(await site.ipthrottle('allow', 'add', '192.0.2.0/24')).toMatchObject({ exit: 111 });
    },
    mend: () => chmodSync(site.path('peers'), 0o755),
  },
  {
    mode: 'configuration',
    async breaks() {
      site.configure('nonsense : 1;\n');
      expect(await site.ipthrottle('reload')).toMatchObject({ exit: 100 });
    },
    mend: () => site.configure({}),
  },
  {
    mode: 'overload',
    breaks: () => withOverload('exit 1'),
    mend: () => withOverload('echo 0'),
  },
  {
    mode: 'watch',
    before: () => rmSync(site.path('peers'), { recursive: true }),
    breaks() {},
    mend: () => mkdirSync(site.path('peers')),
  },
  {
    mode: 'log',
    breaks: () => site.ipthrottle('log', 'file', '/dev/full'),
    mend: () => site.ipthrottle('log', 'file', 'stderr'),
  },
  {
    mode: 'heartbeat',
    breaks() {
      rmSync(site.path('blocks.db.life'));
      mkdirSync(site.path('blocks.db.life'));
    },
    mend: () => rmSync(site.path('blocks.db.life'), { recursive: true }),
  },
];

function withOverload(command: string) {
  site.configure(
    [
      'settings : { socket: "rater.sock"; db_path: "blocks.db"; };',
      'limits : { ip: ( ("*", 60, 10) ); };',
      'blocking : { time: 120; peers: "peers"; };',
      `overload : { every: 1; file: "overloaded"; command: ( "sh", "-c", "${command}" ); };`,
    ].join('\n'),
  );
  return site.ipthrottle('reload');
}

/** What doctor says of troubles, `problem ...; remedy`. */
async function diagnosis(): Promise<string[]> {
  const { findings } = await examine(site);
  const own = findings.filter(({ check }) => check === 'troubles');
  return own.map(({ level, what, remedy }) => `${level}: ${what}; ${remedy}`);
}

test.for(cases)('$mode: status and doctor tell of it, and of its end', async (each, { skip }) => {
  const { mode, before, breaks, mend, times } = each;
  const { effect, sentence, remedy, ends } = degradedModes[mode];
  const cannot = each.isUnprivileged && isRoot ? cannotBecomeNobody : undefined;
  skip(cannot !== undefined, cannot);
  site = new Site(each.plan, each.isUnprivileged && isRoot ? nobody : undefined);
  before?.();
  const startMs = Date.now();
  const rater = await site.startRater();
  if (!before) {
    const never = { effect, count: 0, first: null, last: null, since: null };
    expect((await status()).degraded[mode]).toEqual(never);
    const { exit, stdout } = await answer(false);
    expect({ exit, told: /^(degraded|trouble):/m.test(stdout) }).toEqual({ exit: 0, told: false });
  }

  await breaks(rater);
  await until(`${mode}`, async () => (await status()).degraded[mode].since !== null);
  const { degraded, troubles } = await status();
  const { count, first, last, since } = degraded[mode];
  expect(count).toBeGreaterThanOrEqual(1);
  if (times !== undefined) expect(count).toBe(times);
  expect(Date.parse(first ?? '')).toBeGreaterThanOrEqual(startMs);
  expect(Date.parse(last ?? '')).toBeGreaterThanOrEqual(Date.parse(first ?? ''));
  expect(since).toBe(first);
  const isTrouble = ends === 'mended';
  expect(troubles.some((trouble) => trouble.mode === mode)).toBe(isTrouble);
  const broken = await answer(false);
  expect(broken.exit).toBe(isTrouble ? 1 : 0);
  expect(broken.stdout).toMatch(
    new RegExp(
      `^degraded: ${mode} \\(${effect}\\): (once|\\d+ times), .*; now, since 20\\S+ `,
      'm',
    ),
  );
  if (isTrouble) expect(broken.stdout).toMatch(/^trouble: .+, since 20\S+ \S+, \d+ failures?$/m);
  if (mode === 'configuration') {
    expect(await site.ipthrottle('doctor')).toMatchObject({ exit: 100 });
  } else {
    const found = (await diagnosis()).find((line) => line.endsWith(`; ${remedy}`));
    expect(found).toMatch(isTrouble ? /^problem: .*, since 20/ : /^problem: .*, and still is;/);
  }

  if (!mend) return;
  await mend();
  await until(`the end of ${mode}`, async () => (await status()).degraded[mode].since === null);
  await until('all is well', async () => (await answer(false)).exit === 0);
  expect((await status()).degraded[mode].count).toBeGreaterThanOrEqual(count);
  const { stdout } = await answer(false);
  expect(stdout).toMatch(new RegExp(`^degraded: ${mode} \\(.*; not now$`, 'm'));
  expect(stdout).not.toMatch(/^trouble:/m);
  const told = await diagnosis();
  expect(told.filter((line) => !line.startsWith('hint: '))).toEqual([]);
  expect(told.find((line) => line.startsWith(`hint: ${sentence} (`))).toMatch(/, but no longer;/);
});

test('every mode but nine is brought about here', () => {
  // Without a descriptor libuv silently closes the connection; the others have tests of their own.
  const elsewhere = [
    'driver',
    'listener',
    'socket',
    'operator refused',
    'offence forgotten',
    'dry run forgotten',
    'history',
    'event lost',
    'metrics',
  ];
  const others = Object.keys(degradedModes).filter((mode) => !elsewhere.includes(mode));
  expect(cases.map(({ mode }) => mode).sort()).toEqual(others.sort());
});
