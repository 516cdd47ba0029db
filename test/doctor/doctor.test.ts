/**
 * `ipthrottle doctor` at whole sites: a healthy one has no finding and is left as it was, and
 * findings are printed. The tests in checks/ provoke the findings of each check.
 *
 * Tests: src/cli/doctor.ts, src/cli/run-doctor.ts, src/doctor/check.ts, src/doctor/checks/checks.ts
 * Tests: src/doctor/installation.ts, src/doctor/proofs.ts, src/doctor/remembered.ts, src/health/finding.ts
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { freePort } from '../run/free-port.ts';
import { missing, unless } from '../run/unless.ts';
import type { Plan, Site } from '../system/site.ts';
import { block, bundle, examine, kinds, newSite, put, startAsked } from './examination.ts';

const port = await freePort();
const noServers = missing('tcpsvd', 'tcpserver');

const plans: readonly { readonly name: string; readonly plan: Plan }[] = [
  { name: 'with a peers directory', plan: {} },
  { name: 'with rules', plan: { rules: '192.0.2.66:deny\n# a note\n\n:allow\n' } },
  { name: 'with a peers cdb', plan: { blocking: 'peers_cdb: "peers.cdb";' } },
  {
    name: 'with everything, and polite',
    plan: { rules: ':allow\n', blocking: 'peers_cdb: "peers.cdb"; mode: "polite";' },
  },
  { name: 'with a TCP listener', plan: { settings: `port: ${port};` } },
  { name: 'with an allowlist', plan: { rules: '10.:deny\n:allow\n', allow: ['127.0.0.0/8'] } },
];

test(
  'all is well when each server was seen to refuse, and clients are counted',
  unless(noServers),
  async () => {
    const site = newSite({ rules: ':allow\n' });
    await startAsked(site);
    await site.startTcpsvd();
    await site.startTcpserver();
    const { exit, stdout } = await site.ipthrottle('doctor', '--probe');
    expect(exit).toBe(0);
    const proofs = [
      'the socket answers',
      'clients are counted',
      `tcpsvd -i ${site.path('peers')} refuses`,
      `tcpserver -x ${site.path('rules.cdb')} refuses`,
    ];
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      `all is well: 15 checks found nothing; proven: ${proofs.join(', ')}`,
    );
    const { proven, notLookedAt } = await examine(site, { args: ['--probe'] });
    expect({ proven, notLookedAt }).toEqual({ proven: proofs, notLookedAt: [] });
  },
);

test(
  'it is not said while no client has come, though a server refuses',
  unless(noServers),
  async () => {
    const site = newSite({ settings: 'socket_mode: "0666";' });
    await site.startRater();
    await site.startTcpsvd();
    const { proven, notLookedAt } = await examine(site, { args: ['--probe'] });
    expect(proven).toEqual(['the socket answers', `tcpsvd -i ${site.path('peers')} refuses`]);
    expect(notLookedAt).toEqual(['whether clients are counted (none has come)']);
  },
);

test(
  'it is not said while no server of the administrator’s is found',
  unless(noServers),
  async () => {
    const site = newSite();
    await startAsked(site);
    const { proven, notLookedAt } = await examine(site, { args: ['--probe'] });
    const refuses = `tcpsvd -i ${site.path('peers')} refuses with options of ours`;
    expect(proven).toEqual(['the socket answers', 'clients are counted', refuses]);
    const where = 'no command of one that reads the same was found';
    expect(notLookedAt).toEqual([`whether your servers do (${where})`]);
    const { exit, stdout } = await site.ipthrottle('doctor', '--probe');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^no problem found; proven: /m);
  },
);

/** Every file with everything that a write would change. */
function everything(site: Site): string[] {
  return readdirSync(site.directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mode, size, mtimeMs, ino } = lstatSync(site.path(name));
      return [name, mode, size, mtimeMs, ino].join(' ');
    });
}

describe.each(plans)('a healthy site $name', ({ plan }) => {
  test('has no finding', async () => {
    const site = newSite(plan);
    put(site, '10', 0o444, '+RBLSMTPD=\n');
    await startAsked(site);
    await block(site, '192.0.2.1', '198.51.100.0/24');
    expect(await examine(site)).toMatchObject({ exit: 0, well: true, findings: [] });
    const { exit, stdout } = await site.ipthrottle('doctor');
    const proven = 'proven: the socket answers, clients are counted';
    const open = 'not looked at: whether a server refuses (doctor --probe)';
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: `no problem found; ${proven}; ${open}\n` });
  });

  test('is unchanged afterwards, and with rater dead only that is found', async () => {
    const site = newSite(plan);
    const rater = await startAsked(site);
    await block(site, '192.0.2.1', '198.51.100.0/24');
    await rater.killedBy('SIGKILL');
    const before = everything(site);
    const { exit, findings } = await examine(site);
    expect(kinds(findings)).toEqual(['problem daemon']);
    expect(exit).toBe(1);
    expect(everything(site)).toEqual(before);
  });
});

test('it prints one line for each finding, with the remedy, and how many there are', async () => {
  const site = newSite();
  put(site, '10\u001b[31m\n', 0o644);
  const { exit, stdout } = await site.ipthrottle('doctor');
  const lines = stdout.trimEnd().split('\n');
  expect(exit).toBe(1);
  expect(lines).toHaveLength(4);
  for (const line of lines.slice(0, -1)) {
    expect(line).toMatch(/^(?:problem|hint): [\w-]+: .+; remedy: .+$/);
  }
  expect(stdout).not.toContain('\u001b');
  const open = ['clients are counted (none has come)', 'a server refuses (doctor --probe)'];
  expect(lines.at(-1)).toBe(
    `2 problems, 1 hint; not looked at: ${open.map((each) => `whether ${each}`).join(', ')}`,
  );
});

test('before anything is done it names what is missing, step by step', async () => {
  const site = newSite();
  rmSync(site.path('rater.conf'));
  const { exit, findings } = await examine(site);
  expect(exit).toBe(1);
  expect(findings[0]).toMatchObject({ level: 'problem', check: 'daemon' });
  expect(findings[0]?.what).toBe(`there is no ${site.path('rater.conf')}`);
  expect(findings[0]?.remedy).toMatch(
    /^write it, as etc\/rater\.conf shows; until then rater cannot/,
  );
  site.configure({});
  const { findings: next } = await examine(site, { program: bundle });
  const said = next.map(({ check, what }) => `${check}: ${what}`);
  expect(said).toContainEqual(expect.stringMatching(/^daemon: rater is not running: /));
  expect(said).toContainEqual(expect.stringMatching(/^programs: ratecheck is neither in PATH nor/));
  expect(said).toContainEqual(expect.stringMatching(/^programs: rater is neither in PATH nor in /));
});
