/**
 * The probe proves what the administrator runs: with the options that run scripts give the server.
 *
 * Tests: src/doctor/probe/probed-commands.ts, src/doctor/probe/taken-options.ts
 * Tests: src/doctor/probe/program-to-run.ts, src/doctor/used-files.ts
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../../src/config/load-config.ts';
import { parseAddress } from '../../../src/core/address.ts';
import { examineInstallation } from '../../../src/doctor/installation.ts';
import { probe, type Step } from '../../../src/doctor/probe/probe.ts';
import { takenFrom, takenOptions } from '../../../src/doctor/probe/taken-options.ts';
import { parse } from '../../../src/doctor/server-commands.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { debianPackages } from '../../run/debian-packages.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, notRoot, unless } from '../../run/unless.ts';
import { cannotBecomeNobody } from '../../system/nobody.ts';
import type { Site } from '../../system/site.ts';
import { examine, newSite, startAsked } from '../examination.ts';

const address = '127.81.2.4';
const reason = missing('tcpsvd', 'tcpserver');
const ipv6 = debianPackages('ucspi-tcp-ipv6');
const rules = ':allow\n';

/** What the probe finds on a machine whose only servers are these run scripts, by their names. */
async function probed(site: Site, lines: Readonly<Record<string, string>>): Promise<Step[]> {
  const root = temporaryDirectory();
  for (const [name, line] of Object.entries(lines)) {
    mkdirSync(join(root, 'etc/service', name), { recursive: true });
    const script = `#!/bin/sh\nexec 2>&1\nexec ${line} 0 25 ratecheck qmail-smtpd 2>&1\n`;
    writeFileSync(join(root, 'etc/service', name, 'run'), script);
  }
  const { config } = checkConfig(site.path('rater.conf'));
  const client = parseAddress(address);
  if (!config || !client) throw new Error('the test is wrong');
  const installation = await examineInstallation({
    config,
    clock: systemClock,
    searchPath: process.env.PATH ?? '',
    ownDirectory: '',
    root,
    ask: async (...words) => (await site.ipthrottle(...words, '--json')).stdout,
  });
  const run = async (...words: string[]) => {
    const { exit, stdout, stderr } = await site.ipthrottle(...words);
    return { exit, said: `${stdout}${stderr}`.trim() };
  };
  const steps = await probe(installation, client, run, new AbortController().signal);
  const below = (text: string) => text.replaceAll(root, '');
  return steps.map((step) => ({ ...step, from: step.from.map(below) }));
}

function wrong(steps: readonly Step[]): string[] {
  return steps.filter(({ went }) => went === 'wrong').map(({ step }) => step);
}

/** Each server with where its options are from, once. */
function tried(steps: readonly Step[]): string[] {
  return [...new Set(steps.map(({ server, from }) => [server, ...from].join(' < ')))];
}

test('each set of options is tried once, and told with its scripts', unless(reason), async () => {
  const site = newSite({ rules });
  await startAsked(site);
  const peers = site.path('peers');
  const cdb = site.path('rules.cdb');
  const steps = await probed(site, {
    a: `tcpsvd -vE -l 0 -c1 -C 1 -t 1 -h -i ${peers}`,
    b: `/usr/bin/env - tcpsvd -E -i "${peers}"`,
    c: `tcpsvd -i ${peers}`,
    d: `tcpserver -v -R -l "$LOCAL" -X -x ${cdb} -c "$MAX" -u "$QMAILDUID" -g "$NOFILESGID"`,
    other: `tcpsvd -p -i /etc/other`,
  });
  expect(tried(steps)).toEqual([
    `tcpsvd -E -i ${peers} < /etc/service/a/run < /etc/service/b/run`,
    `tcpsvd -i ${peers} < /etc/service/c/run`,
    `tcpserver -X -x ${cdb} < /etc/service/d/run`,
  ]);
  expect(steps.map(({ went }) => went)).toEqual(Array(15).fill('as it should'));
});

test(
  'a server that looks IPv4 up in another spelling is found out, though ours refuses',
  unless(ipv6.reason ?? reason),
  async () => {
    const site = newSite({ rules });
    await startAsked(site);
    expect(wrong(await probed(site, {}))).toEqual([]);
    const line = `${ipv6.bin}/tcpserver -6 -v -H -R -x ${site.path('rules.cdb')}`;
    const steps = await probed(site, { smtpd: line });
    expect(wrong(steps)).toEqual([`${address} is let in, though it is blocked`]);
    expect(tried(steps)).toContain(
      `${ipv6.bin}/tcpserver -6 -x ${site.path('rules.cdb')} < /etc/service/smtpd/run`,
    );
  },
);

describe('as the user of the server', unless(cannotBecomeNobody ?? reason), () => {
  test.for(['tcpsvd', 'tcpserver'])(
    'a %s that may not read our files is found out, though root may',
    async (name) => {
      const site = newSite({ rules });
      await startAsked(site);
      chmodSync(site.directory, 0o700);
      expect(wrong(await probed(site, {}))).toEqual([]);
      const line = {
        tcpsvd: `tcpsvd -u nobody -i ${site.path('peers')}`,
        tcpserver: `tcpserver -u 65534 -g 65534 -x ${site.path('rules.cdb')}`,
      }[name];
      expect(wrong(await probed(site, { smtpd: line ?? '' }))).toEqual([
        `${address} is refused, though nothing blocks it`,
      ]);
    },
  );
});

test.each([
  ['tcpsvd', '-u qmaild:nofiles', 0, '-u qmaild:nofiles '],
  ['tcpsvd', '-u :1000:65534', 0, '-u :1000:65534 '],
  ['tcpsvd', '-u qmaild', 1000, ''],
  ['tcpsvd', '-u $USER', 0, ''],
  ['tcpsvd', '-u -v', 0, ''],
  ['tcpserver', '-g 65534 -u 1000', 0, '-u 1000 -g 65534 '],
  ['tcpserver', '-u `id` -g 1', 0, '-g 1 '],
  ['tcpserver', '-$OPTIONS -46', 0, '-4 -6 '],
  ['tcpserver', '-B 220 -I eth0 -U -1', 0, ''],
] as const)('of %s %s for uid %i it takes "%s"', (program, words, uid, taken) => {
  const { options } = parse(program, words.split(' '));
  const command = { where: 'x', program, word: program, directory: '/', options, runs: [] };
  const { args, text } = takenFrom(command, { option: '-x', path: '/cdb' }, uid);
  expect(args.join(' ')).toBe(`${taken}-x /cdb`);
  expect(text.replaceAll('"', '')).toBe(`${taken}-x /cdb`);
});

test.for([
  { program: 'tcpsvd', skip: reason, path: 'tcpsvd' },
  { program: 'tcpserver', skip: reason, path: 'tcpserver' },
  { program: 'tcpserver', skip: ipv6.reason, path: join(ipv6.bin, 'tcpserver') },
])('each option of $path is in the table', ({ program, skip: why, path }, { skip }) => {
  skip(why !== undefined, why);
  const { stderr } = spawnSync(path, [], { encoding: 'latin1' });
  const letters = [...stderr.matchAll(/[[|] ?-(\w+)/g)].flatMap(([, given = '']) => [...given]);
  expect(letters.length).toBeGreaterThan(10);
  const known = ['i', 'x', ...Object.keys(takenOptions[program] ?? {})];
  expect(letters.filter((letter) => !known.includes(letter))).toEqual([]);
});

describe('nothing is run but a server that only root or the caller could put there', () => {
  /** What the probe says of a program at this path. */
  async function saidOf(path: string): Promise<string[]> {
    const site = newSite();
    await startAsked(site);
    const steps = await probed(site, { smtpd: `${path} -i ${site.path('peers')}` });
    return steps.map(({ went, step }) => `${went}: ${step}`);
  }

  /** A program that would tell that it ran, in a directory of its own. */
  function trap() {
    const directory = join(temporaryDirectory(), 'bin');
    const path = join(directory, 'tcpsvd');
    mkdirSync(directory);
    writeFileSync(path, '#!/bin/sh\ntouch "$0.ran"\n', { mode: 0o755 });
    return { directory, path, hasRun: () => existsSync(`${path}.ran`) };
  }

  test('as the trap of these tests shows', async () => {
    const { path, hasRun } = trap();
    expect(await saidOf(path)).toEqual([expect.stringMatching(/^wrong: .* does not listen/)]);
    expect(hasRun()).toBe(true);
  });

  test.each([
    { whose: 'a file', mode: 0o757 },
    { whose: 'a directory', mode: 0o777 },
    { whose: 'a directory like /tmp', mode: 0o1777 },
  ])('$whose that others may write', async ({ whose, mode }) => {
    const { directory, path, hasRun } = trap();
    const loose = whose === 'a file' ? path : directory;
    chmodSync(loose, mode);
    expect(await saidOf(path)).toEqual([
      `skipped: ${path} is not run, because others may change ${loose}`,
    ]);
    expect(hasRun()).toBe(false);
  });

  test('another user’s', unless(notRoot), async () => {
    const { directory, path, hasRun } = trap();
    spawnSync('chown', ['-R', '65534', directory]);
    expect(await saidOf(path)).toEqual([
      `skipped: ${path} is not run, because others may change ${path}`,
    ]);
    expect(hasRun()).toBe(false);
  });

  test('a link to another program', async () => {
    const path = join(temporaryDirectory(), 'tcpsvd');
    symlinkSync('/bin/sh', path);
    expect(await saidOf(path)).toEqual([expect.stringMatching(/^skipped: .* leads to \/.*sh$/)]);
  });

  test('a path that only the shell knows', async () => {
    expect(await saidOf('/opt/$VERSION/tcpsvd')).toEqual([
      'skipped: cannot run "/opt/$VERSION/tcpsvd": ENOENT',
    ]);
  });
});

test('of too many servers the rest is not tried', async () => {
  const site = newSite();
  await startAsked(site);
  const names = Array.from({ length: 12 }, (_, n) => `s${n}`);
  const line = (name: string) => `/nowhere/${name}/tcpsvd -i ${site.path('peers')}`;
  const steps = await probed(site, Object.fromEntries(names.map((name) => [name, line(name)])));
  expect(steps).toHaveLength(11);
  expect(steps.at(-1)).toMatchObject({ server: 'probe', step: '2 more servers are not tried' });
});

test('a server that runs is told with its process', unless(reason), async () => {
  const site = newSite();
  await startAsked(site);
  const { server } = await site.startTcpsvd();
  const where = `process ${server.pid}`;
  const { exit, probe: steps } = await examine(site, { args: ['--probe', address] });
  expect(tried(steps ?? [])).toEqual([`tcpsvd -i ${site.path('peers')} < ${where}`]);
  expect(exit).toBe(0);
  const { stdout } = await site.ipthrottle('doctor', '--probe', address);
  expect(stdout).toMatch(/^probe: tcpsvd -i \S+ as in process \d+: as it should: 127/m);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^all is well: .* refuses$/);
});
