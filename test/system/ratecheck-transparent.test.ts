/**
 * Guarantee: the program gets environment, descriptors, signals and blocking mode as ratecheck
 * received them. Everything a program can inherit is written down by test/ratecheck/fixtures/
 * received.c, once run by the server itself and once with ratecheck in between, and compared.
 * With -k there is one descriptor more and nothing else.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startDatagramRater } from '../ratecheck/datagram-rater.ts';
import { builtRatecheck, compiledFixture, newDirectory } from '../ratecheck/programs.ts';
import { startServer } from '../ratecheck/real-server.ts';
import {
  reply,
  type ScriptedRater,
  silence,
  startScriptedRater,
} from '../ratecheck/scripted-rater.ts';
import { freePort } from '../run/free-port.ts';
import { missing, unless } from '../run/unless.ts';
import type { ServerName } from './mail-server.ts';
import { until } from './running-program.ts';

const directory = newDirectory();
let ratecheck = '';
let oddStart = '';
let received = '';
let within: ScriptedRater;
let silent: ScriptedRater;

beforeAll(async () => {
  ratecheck = builtRatecheck();
  oddStart = compiledFixture('odd-start', directory.path);
  received = compiledFixture('received', directory.path);
  within = await startScriptedRater(directory.path, reply('0 1/10\r\n'));
  silent = await startScriptedRater(directory.path, silence);
});
afterAll(async () => {
  await within.close();
  await silent.close();
  directory.remove();
});

async function contentOnceThere(path: string): Promise<string> {
  for (let round = 0; round < 4000 && !existsSync(path); round++) await pause(5);
  return readFileSync(path, 'utf8');
}

/**
 * What differs between any two connections: the client's port, and the numbers of sockets and
 * pipes, which are counted anew in order of appearance so that "the same one" stays visible.
 */
function normalised(facts: string): string[] {
  const numbers: string[] = [];
  const renumber = (whole: string) => {
    if (!numbers.includes(whole)) numbers.push(whole);
    return `${whole.slice(0, whole.indexOf('['))}[${numbers.indexOf(whole)}]`;
  };
  return facts
    .replace(/^(env TCPREMOTEPORT)=\d+$/m, '$1=PORT')
    .replace(/\b(?:socket|pipe):\[\d+\]/g, renumber)
    .split('\n');
}

const programArguments = ['-v', 'a b', '--', '-F', ''];

/** The record of fd 10, where ratecheck -k keeps its connection. */
const keptFacts = /^fd 10 .*\n/gm;

/** What the program inherits at the end of `chain`, under `server` on `port`, but for `aside`. */
async function inherited(
  server: ServerName,
  port: number,
  chain: readonly string[],
  aside = /$^/,
): Promise<string[]> {
  const file = join(directory.path, 'facts');
  rmSync(file, { force: true });
  const running = await startServer(server, [...chain, received, file, ...programArguments], port);
  try {
    const client = await running.connect();
    const facts = await contentOnceThere(file);
    client.destroy();
    return normalised(facts.replace(aside, ''));
  } finally {
    await running.stop();
  }
}

/** States a program may be started in, and facts that show that the state was really reached. */
const states: readonly [string, readonly string[], readonly (string | RegExp)[]][] = [
  ['as the server starts it', [], [/^env TCPREMOTEIP=127\.0\.0\.1$/, /^fd 0 is socket/]],
  ['with fd 7 open', ['open7'], [/^fd 7 is \/dev\/null, close-on-exec 0$/]],
  ['with SIGPIPE ignored', ['ignore-sigpipe'], ['signal 13 ignored']],
  ['with SIGPIPE not ignored', ['default-sigpipe'], [/^status SigIgn:/]],
  [
    'with signals blocked and pending',
    ['block-sigusr1', 'pending-sigusr2'],
    [/^status SigBlk:.*a00$/, /^status SigPnd:.*800$/],
  ],
  ['with fd 0 non-blocking', ['nonblock0'], [/^fd 0 flags:\s04002$/, /^fd 1 flags:\s04002$/]],
  ['with fd 0 closed', ['close0'], []],
  ['with fd 1 closed', ['close1'], []],
  ['with fd 2 closed', ['close2'], []],
  ['with fds 0, 1 and 2 closed', ['close0', 'close1', 'close2'], []],
  ['with fd 3 open and fd 0 closed', ['open3', 'close0'], [/^fd 3 is/]],
  [
    'with limits, umask and directory of its own',
    ['few-files', 'umask', 'cwd'],
    ['limit 7 20 30', 'umask 123', 'cwd /'],
  ],
];

for (const server of ['tcpsvd', 'tcpserver'] as const) {
  describe(`under ${server}`, unless(missing(server)), () => {
    test.each(states)('a program started %s finds nothing changed', async (_, odd, signs) => {
      const start = odd.length > 0 ? [oddStart, ...odd, '--'] : [];
      const port = await freePort();
      const facts = await inherited(server, port, start);
      for (const sign of signs) {
        expect(facts).toContainEqual(typeof sign === 'string' ? sign : expect.stringMatching(sign));
      }
      for (const fd of ['0', '1', '2']) {
        const closed = odd.includes(`close${fd}`);
        expect(facts.some((fact) => fact.startsWith(`fd ${fd} is `))).toBe(!closed);
      }
      const check = (socket: string, ms: string) => [...start, ratecheck, '-s', socket, '-t', ms];
      const asked = within.requests.length;
      expect(await inherited(server, port, check(within.socket, '60000'))).toEqual(facts);
      expect(within.requests.slice(asked)).toEqual(['ip 127.0.0.1']);
      const byDatagram = await startDatagramRater(directory.path, onTestFinished, '0 1/10\r\n');
      expect(await inherited(server, port, check(byDatagram.socket, '60000'))).toEqual(facts);
      await until('the request', () => byDatagram.requests().length > 0);
      expect(byDatagram.requests()).toEqual(['ip 127.0.0.1']);
      expect(await inherited(server, port, check(silent.socket, '50'))).toEqual(facts);
      expect(await inherited(server, port, check('/nonexistent', '50'))).toEqual(facts);

      expect(facts.filter((fact) => fact.startsWith('fd 10 '))).toEqual([]);
      const keep = [...check(within.socket, '60000'), '-k'];
      expect(await inherited(server, port, keep, keptFacts)).toEqual(facts);
      expect(await inherited(server, port, keep)).toContainEqual(
        expect.stringMatching(/^fd 10 is socket:\[\d+\], close-on-exec 0$/),
      );
      const unkept = [...check(silent.socket, '50'), '-k'];
      expect(await inherited(server, port, unkept)).toEqual(facts);
    });
  });
}
