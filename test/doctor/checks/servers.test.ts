/**
 * Servers that do not obey are found, as they run and in run scripts.
 *
 * Tests: src/doctor/server-commands.ts
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { servers } from '../../../src/doctor/checks/servers.ts';
import { examineInstallation } from '../../../src/doctor/installation.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { configFrom } from '../../gatekeeper/site.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';
import { startMailServer } from '../../system/mail-server.ts';
import type { Site } from '../../system/site.ts';
import { examine, findsEach, newSite, startAsked } from '../examination.ts';

const alone = (group: string) => {
  const settings = 'settings : { socket: "rater.sock"; db_path: "blocks.db"; };';
  return `${settings} limits : { ip: ( ("*", 60, 10) ); }; ${group}`;
};

findsEach([
  {
    what: 'a configuration in which no server is told of blocks',
    text: alone('blocking : { time: 120; };'),
    finds: 'problem servers',
    says: /neither blocking\.peers nor blocking\.tcprules is configured/,
  },
  {
    what: 'one without the group',
    text: alone(''),
    finds: 'problem servers',
    says: /so what stops a client is ratecheck alone; set blocking\.peers or/,
  },
]);

const peers = '/etc/ipsvd/smtp/peers';
const cdb = '/var/lib/ipthrottle/rules/tcp.smtp.cdb';
const both = `blocking : {
  peers: "${peers}"; tcprules: { source: "/etc/tcp.smtp"; cdb: "${cdb}"; };
};`;

/** What is found with these files below the root of a machine on which nothing runs. */
async function found(
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const root = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  for (const [name, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    symlinkSync(target, join(root, name));
  }
  const site = await examineInstallation({
    config: configFrom(`limits : { ip: (); }; ${both}`),
    clock: systemClock,
    searchPath: '',
    ownDirectory: '',
    root,
    ask: async () => undefined,
  });
  const findings = await servers.run(site);
  return findings.map(({ level, what, remedy }) => {
    return `${level}: ${what.replaceAll(root, '')}; ${remedy}`;
  });
}

const smtpd = '/var/qmail/bin/qmail-smtpd';
const run = (line: string) => `#!/bin/sh\nexec 2>&1\n# a comment\nexec ${line}\n`;
const noCheck = `tcpsvd -i ${peers} runs no ratecheck: its clients are not counted`;
const other = 'tcpsvd asks rater, but reads -i /etc/other, which rater does not write';

test.each([
  ['as it should be', `tcpsvd -v -u qmaild:nofiles -i ${peers} 0 25 ratecheck ${smtpd}`],
  ['on several lines', `tcpserver -v -x ${cdb} \\\n  0 25 \\\n  ratecheck -t 200 ${smtpd}`],
  ['with its words in quotes', `tcpsvd -i "${peers}" 0 'smtp' "ratecheck" ${smtpd}`],
  ['of another service', 'tcpsvd -i /etc/other 0 110 qmail-popup'],
  ['of another rater', `tcpsvd -i /etc/other 0 25 ratecheck -s /run/other.sock ${smtpd}`],
  ['with a variable', `tcpsvd -i "$DIR" 0 25 ratecheck ${smtpd}`],
  ['of BusyBox', `busybox tcpsvd -i ${peers} 0 25 ${smtpd}`],
  ['that ends too early', `tcpsvd -i ${peers}`],
  ['for a class in a variable', `tcpsvd -i ${peers} 0 25 ratecheck -c "$CLASS" ${smtpd}`],
  [
    'for a class of another rater',
    `tcpsvd -i /etc/other 0 25 ratecheck -s /run/other.sock -c mx ${smtpd}`,
  ],
])('a script %s is no finding', async (_, line) => {
  expect(await found({ 'etc/service/smtpd/run': run(line) })).toEqual([]);
});

test.each([
  [
    'without ratecheck',
    `tcpsvd -v -l 0 -i ${peers} 0 25 ${smtpd}`,
    `problem: /etc/service/smtpd/run: ${noCheck}; tcpsvd ... ratecheck ${smtpd} ...`,
  ],
  [
    'behind a question whether the server is there',
    `true; [ -x /usr/bin/tcpsvd ] && exec tcpsvd -i ${peers} 0 25 ${smtpd}`,
    `problem: /etc/service/smtpd/run: ${noCheck}; tcpsvd ... ratecheck ${smtpd} ...`,
  ],
  [
    'with an option that is not apart',
    `tcpsvd -vl0 -i${peers} 0 25 ${smtpd}`,
    `problem: /etc/service/smtpd/run: ${noCheck}; tcpsvd ... ratecheck ${smtpd} ...`,
  ],
  [
    'with another directory',
    `tcpsvd -i /etc/other 0 25 ratecheck ${smtpd}`,
    `problem: /etc/service/smtpd/run: ${other}; tcpsvd -i ${peers}`,
  ],
  [
    'of tcpserver with the source in place of the cdb',
    `tcpserver -x /etc/tcp.smtp 0 25 ratecheck ${smtpd}`,
    `problem: /etc/service/smtpd/run: tcpserver asks rater, but reads -x /etc/tcp.smtp, which rater does not write; tcpserver -x ${cdb}`,
  ],
  [
    'that gives the server nothing to read',
    `tcpsvd 0 25 ratecheck ${smtpd}`,
    `hint: /etc/service/smtpd/run: tcpsvd asks rater, but drops no client by itself; tcpsvd -i ${peers}`,
  ],
  [
    'whose ratecheck asks another rater',
    `tcpsvd -i ${peers} 0 25 ratecheck -s /run/other.sock ${smtpd}`,
    `problem: /etc/service/smtpd/run: tcpsvd -i ${peers} runs a ratecheck that asks elsewhere; ratecheck -s /run/ipthrottle/rater.sock, or without -s and $RATER_SOCKET`,
  ],
  [
    'for a class that rater does not know',
    `tcpsvd -i ${peers} 0 25 ratecheck -c mx ${smtpd}`,
    'problem: /etc/service/smtpd/run: tcpsvd runs a ratecheck for the class mx, which limits does not have: its clients are not counted; ratecheck -c with one of limits, or write limits for mx',
  ],
])('a script %s is found', async (_, line, finding) => {
  expect(await found({ 'etc/service/smtpd/run': run(line) })).toEqual([finding]);
});

test.each(['etc/service', 'service', 'etc/sv', 'var/qmail/supervise', 'var/service'])(
  'it looks into /%s',
  async (directory) => {
    const line = run(`tcpsvd -i ${peers} 0 25 ${smtpd}`);
    expect(await found({ [`${directory}/smtpd/run`]: line })).toHaveLength(1);
  },
);

test('with the plugin of qmail-spp no ratecheck is needed', async () => {
  const files = { 'etc/service/smtpd/run': run(`tcpsvd -i ${peers} 0 25 ${smtpd}`) };
  const plugins = { 'var/qmail/control/smtpplugins': '[connection]\nplugins/spp-ipthrottle\n' };
  expect(await found({ ...files, ...plugins })).toEqual([]);
});

test('a plugin that is commented out is none', async () => {
  const files = { 'etc/service/smtpd/run': run(`tcpsvd -i ${peers} 0 25 ${smtpd}`) };
  const plugins = { 'var/qmail/control/smtpplugins': '[connection]\n# plugins/spp-ipthrottle\n' };
  expect(await found({ ...files, ...plugins })).toHaveLength(1);
});

test('the same in two scripts is told once, and a link to a service that was seen is not followed', async () => {
  const line = run(`tcpsvd -i ${peers} 0 25 ${smtpd}`);
  const scripts = { 'etc/sv/a/run': line, 'etc/sv/b/run': line };
  const told = /^problem: \/etc\/sv\/a\/run, \/etc\/sv\/b\/run: /;
  expect(await found(scripts)).toEqual([expect.stringMatching(told)]);
  expect(await found(scripts, { 'etc/service/a': '../sv/a' })).toEqual([
    expect.stringMatching(/^problem: \/etc\/service\/a\/run, \/etc\/sv\/b\/run: /),
  ]);
});

test('what is too large to be a script is not read', async () => {
  const line = `${run(`tcpsvd -i ${peers} 0 25 ${smtpd}`)}${' '.repeat(65_536)}`;
  expect(await found({ 'etc/service/smtpd/run': line })).toEqual([]);
});

test.for(['tcpsvd', 'tcpserver'] as const)(
  'a %s that runs without ratecheck is found, with its process',
  unless(missing('tcpsvd', 'tcpserver')),
  async (name) => {
    const site = newSite({ rules: ':allow\n' });
    await startAsked(site);
    const reads = name === 'tcpsvd' ? ['-i', 'peers'] : ['-x', 'rules.cdb'];
    const { server } = await startMailServer(name, {
      options: reads,
      command: ['echo', '220 ready'],
      directory: site.directory,
    });
    const { exit, findings } = await examine(site);
    await server.end();
    expect(exit).toBe(1);
    expect(findings.map(({ check, what }) => `${check}: ${what}`)).toEqual([
      `servers: process ${server.pid}: ${name} ${reads[0]} ${site.path(reads[1] ?? '')} runs no ratecheck: its clients are not counted`,
    ]);
  },
);

/** What doctor finds beside a tcpsvd that runs this command with this environment. */
async function besideTcpsvd(
  site: Site,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const options = ['-i', 'peers'];
  const { directory } = site;
  const { server } = await startMailServer('tcpsvd', { options, command, directory, environment });
  const { findings } = await examine(site);
  await server.end();
  return findings.map(({ check, what }) => `${check}: ${what.replace(`${server.pid}`, 'PID')}`);
}

describe('a tcpsvd that runs with', unless(missing('tcpsvd')), () => {
  const next = ['ratecheck', 'echo', '220 ready'];

  test('$RATER_SOCKET of another rater, or without that of ours, is found', async () => {
    const site = newSite();
    await startAsked(site);
    const elsewhere = `servers: process PID: tcpsvd -i ${site.path('peers')} runs a ratecheck that asks elsewhere`;
    const other = { RATER_SOCKET: '/run/other.sock' };
    expect(await besideTcpsvd(site, next, other)).toEqual([elsewhere]);
    expect(await besideTcpsvd(site, next, {})).toEqual([elsewhere]);
  });

  test('$RATER_SOCKET of ours is no finding, nor one that another program may change', async () => {
    const site = newSite();
    await startAsked(site);
    const ours = { RATER_SOCKET: site.path('rater.sock') };
    expect(await besideTcpsvd(site, next, ours)).toEqual([]);
    expect(await besideTcpsvd(site, ['env', 'A=1', ...next], {})).toEqual([]);
  });
});

test('a process in another root is not one of ours: its paths lead elsewhere', async () => {
  const words = ['tcpsvd', '-i', peers, '0', '25', smtpd].map((word) => `${word}\0`);
  const files = { 'proc/4711/cmdline': words.join('') };
  const inRoot = (path: string) => found(files, { 'proc/self/root': '/', 'proc/4711/root': path });
  expect(await inRoot('/')).toEqual([
    `problem: process 4711: ${noCheck}; tcpsvd ... ratecheck ${smtpd} ...`,
  ]);
  // Elsewhere, and a second mount of the same directory.
  for (const root of [temporaryDirectory(), '/.']) expect(await inRoot(root)).toEqual([]);
});
