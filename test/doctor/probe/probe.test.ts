/**
 * `ipthrottle doctor --probe` proves with real servers that blocks work, and never leaves one
 * behind.
 *
 * Tests: src/doctor/probe/throwaway-server.ts
 */
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { debianPackages } from '../../run/debian-packages.ts';
import { missing, unless } from '../../run/unless.ts';
import { until } from '../../system/running-program.ts';
import { type Plan, Site } from '../../system/site.ts';
import { examine, launcher, startAsked } from '../examination.ts';

const address = '127.81.2.3';
const reason = missing('tcpsvd', 'tcpserver');
const ipv6 = debianPackages('ucspi-tcp-ipv6');
const rules = ':allow\n';

let site: Site;

afterEach(() => site.stop());

function probe(given: string = address) {
  return examine(site, { args: ['--probe', given] });
}

const seen = [
  /^127\.81\.2\.3 is let in$/,
  /^blocked 127\.81\.2\.3 for 60 seconds$/,
  /^127\.81\.2\.3 is refused$/,
  /^unblocked 127\.81\.2\.3 /,
  /^127\.81\.2\.3 is let in again$/,
];

async function nothingIsLeft(): Promise<void> {
  expect(await site.list()).toEqual([]);
  expect(site.peers().filter((name) => name.startsWith('127.81'))).toEqual([]);
}

type Proof = { readonly what: string; readonly plan: Plan; readonly servers: number };

const proofs: readonly Proof[] = [
  { what: 'tcpsvd -i', plan: {}, servers: 1 },
  { what: 'tcpsvd -i for which -t is configured', plan: { peersTimeout: 60 }, servers: 1 },
  { what: 'tcpsvd and tcpserver', plan: { rules }, servers: 2 },
  {
    what: 'all three, politely',
    plan: { rules, blocking: 'peers_cdb: "peers.cdb"; mode: "polite";' },
    servers: 3,
  },
];

for (const { what, plan, servers } of proofs) {
  test.each([
    { state: 'running', exit: 0 },
    { state: 'down', exit: 1 },
  ])(
    `it sees ${what} refuse and let in again, rater $state`,
    unless(reason),
    async ({ state, exit }) => {
      site = new Site(plan);
      const rater = await startAsked(site);
      if (state === 'down') await rater.killedBy('SIGTERM');
      const examination = await probe();
      const steps = examination.probe ?? [];
      expect(steps.map(({ went }) => went)).toEqual(steps.map(() => 'as it should'));
      expect(new Set(steps.map(({ server }) => server)).size).toBe(servers);
      for (let server = 0; server < servers; server += 1) {
        for (const [n, said] of seen.entries()) expect(steps[5 * server + n]?.step).toMatch(said);
      }
      expect(steps).toHaveLength(5 * servers);
      expect(examination.exit).toBe(exit);
      await nothingIsLeft();
    },
  );
}

test(
  'a tcpserver that knows -6 is also tried with it, where it spells IPv4 otherwise',
  unless(ipv6.reason ?? reason),
  async () => {
    const searchPath = `${ipv6.bin}:${process.env.PATH}`;
    site = new Site({ rules, environment: [`PATH=${searchPath}`] });
    await startAsked(site);
    const { exit, probe: steps } = await examine(site, { searchPath, args: ['--probe', address] });
    expect(steps?.filter(({ went }) => went !== 'as it should')).toEqual([]);
    const told = steps?.filter(({ server }) => server.startsWith('tcpserver -6')) ?? [];
    expect(told).toHaveLength(seen.length);
    for (const [n, said] of seen.entries()) expect(told[n]?.step).toMatch(said);
    expect(exit).toBe(0);
    await nothingIsLeft();
  },
);

test('a server that lets in who is blocked is found out', unless(reason), async () => {
  site = new Site();
  writeFileSync(site.path('peers', address), '');
  chmodSync(site.path('peers', address), 0o444);
  await startAsked(site);
  const { exit, well, probe: steps } = await probe();
  const wrong = steps?.filter(({ went }) => went === 'wrong').map(({ step }) => step);
  expect(wrong).toEqual([`${address} is let in, though it is blocked`]);
  expect({ exit, well }).toEqual({ exit: 1, well: false });
  expect(await site.list()).toEqual([]);
  const { stdout } = await site.ipthrottle('doctor', '--probe', address);
  expect(stdout).toMatch(/^probe: tcpsvd -i .*: wrong: 127\.81\.2\.3 is let in, though/m);
  expect(stdout.trimEnd()).toMatch(
    /^1 problem, 0 hints; proven: the socket answers, clients are counted; not looked at: whether your/m,
  );
});

test('an address that is refused anyway proves nothing', unless(reason), async () => {
  site = new Site();
  writeFileSync(site.path('peers', '127.81'), '');
  chmodSync(site.path('peers', '127.81'), 0o000);
  await startAsked(site);
  const { exit, probe: steps } = await probe();
  expect(steps?.map(({ step }) => step)).toEqual([
    `${address} is refused, though nothing blocks it`,
  ]);
  expect(exit).toBe(1);
});

test('an allowlisted address is skipped, with the entry', async () => {
  site = new Site({ allow: ['127.0.0.0/8'] });
  await startAsked(site);
  const { exit, well, probe: steps, proven, notLookedAt } = await probe();
  const step = `${address} is on the allowlist by 127.0.0.0/8`;
  expect(steps).toEqual([{ server: 'probe', from: [], step, went: 'skipped' }]);
  expect({ exit, well }).toEqual({ exit: 0, well: false });
  expect(proven).toEqual(['the socket answers', 'clients are counted']);
  expect(notLookedAt).toEqual([`whether a server refuses (${step})`]);
  const { stdout } = await site.ipthrottle('doctor', '--probe', address);
  expect(stdout).not.toContain('well');
  expect(stdout).toMatch(/^no problem found; proven: .*; not looked at: whether a server refuses/m);
});

test('an address that is blocked already stays blocked', async () => {
  site = new Site();
  await startAsked(site);
  await site.ipthrottle('block', address);
  const { probe: steps } = await probe();
  expect(steps?.map(({ went, step }) => `${went}: ${step}`)).toEqual([
    `skipped: ${address} is blocked already: give another address`,
  ]);
  expect((await site.list()).map((block) => block.address)).toEqual([address]);
});

test('a server that is not installed is skipped', async () => {
  site = new Site();
  await startAsked(site);
  const { probe: steps } = await examine(site, { searchPath: '/nowhere', args: ['--probe'] });
  expect(steps?.map(({ went, step }) => `${went}: ${step}`)).toEqual([
    'skipped: tcpsvd is not in PATH',
  ]);
});

test.each(['192.0.2.1', '127.0.0.0/8', '::1', 'x'])('%s is no address to probe', async (given) => {
  site = new Site();
  const { exit, stderr } = await site.ipthrottle('doctor', '--probe', given);
  expect(exit).toBe(100);
  expect(stderr).toContain('--probe: not an address in 127.0.0.0/8');
});

test('interrupted in the middle, it removes its block', unless(reason), async () => {
  site = new Site();
  await startAsked(site);
  const words = [launcher, '-c', site.path('rater.conf'), 'doctor', '--probe', address];
  await until('one that was not quicker than the signal', async () => {
    const doctor = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    doctor.stdout.on('data', (text) => {
      said += text;
    });
    const ended = new Promise((resolve) => doctor.once('close', resolve));
    await until('it blocks', () => site.peers().includes(address) || doctor.exitCode !== null);
    doctor.kill('SIGTERM');
    const exit = await ended;
    await nothingIsLeft();
    const isInterrupted = said.includes('interrupted');
    if (isInterrupted) expect(exit).toBe(1);
    return isInterrupted;
  });
});
