/**
 * Guarantee: no buffer without a bound. The table of exchanges and random bytes, once more, through
 * a build that stops at the first bad access, and through valgrind for what was never written.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { datagramExchanges } from './datagram-exchanges.ts';
import { startDatagramRater } from './datagram-rater.ts';
import { exchanges } from './exchanges.ts';
import { builtRatecheck, newDirectory, type Outcome, ratecheckSource, run } from './programs.ts';
import { replyAndClose, startScriptedRater } from './scripted-rater.ts';

const directory = newDirectory();
afterAll(() => directory.remove());

/** A build with sanitizers, or undefined where the compiler has none. */
function sanitizedRatecheck(): string | undefined {
  const program = join(directory.path, 'ratecheck-sanitized');
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const args = ['-g', '-O1', ...sanitize, '-o', program, ratecheckSource];
  const compiled = spawnSync('cc', args, { stdio: 'ignore' }).status === 0;
  const runs = compiled && spawnSync(program, ['-V'], { stdio: 'ignore' }).status === 0;
  return runs ? program : undefined;
}

/** The command that runs the real binary under valgrind, or undefined without valgrind. */
function valgrindRatecheck(): readonly string[] | undefined {
  if (missing('valgrind')) return undefined;
  const command = ['valgrind', '-q', '--error-exitcode=99', builtRatecheck()];
  const [program = '', ...args] = command;
  try {
    execFileSync(program, [...args, '-V'], { stdio: 'ignore' });
    return command;
  } catch {
    return undefined;
  }
}

const sanitized = sanitizedRatecheck();
const watchers: readonly [string, readonly string[] | undefined][] = [
  ['sanitizers', sanitized === undefined ? undefined : [sanitized]],
  ['valgrind', valgrindRatecheck()],
];

for (const [name, command] of watchers) {
  const reason = command === undefined ? `not usable: ${name}` : undefined;

  describe(`under ${name}`, unless(reason), () => {
    async function outcomeUnder(
      args: readonly string[],
      env: Record<string, string>,
      script: Parameters<typeof startScriptedRater>[1],
    ): Promise<Outcome> {
      const rater = await startScriptedRater(directory.path, script);
      const around = { env: { ...env, RATER_SOCKET: rater.socket } };
      const outcome = await run([...(command ?? []), ...args], around);
      await rater.close();
      return { ...outcome, stderr: outcome.stderr.replaceAll(rater.socket, 'SOCKET') };
    }

    test.concurrent.each(exchanges)('$title', async (exchange) => {
      const { args, env = {}, script, status, stdout, stderr } = exchange;
      const expected = { status, signal: null, stdout, stderr };
      expect(await outcomeUnder(args, env, script)).toEqual(expected);
    });

    test.for(datagramExchanges)('of datagrams: $title', async (exchange, { onTestFinished }) => {
      const { args, status, stdout, stderr } = exchange;
      const rater = await startDatagramRater(directory.path, onTestFinished, exchange.reply);
      const outcome = await run([...(command ?? []), '-s', rater.socket, ...args]);
      const said = { ...outcome, stderr: outcome.stderr.replaceAll(rater.socket, 'SOCKET') };
      expect(said).toEqual({ status, signal: null, stdout, stderr });
    });

    test('a path that leaves no room for the name of the socket for datagrams', async () => {
      const longest = `/${'s'.repeat(106)}`;
      const outcome = await run([...(command ?? []), '-s', longest, '-n', 'ip', 'x']);
      const stderr = `ratecheck: fatal: cannot connect to ${longest}: No such file or directory\n`;
      expect(outcome).toMatchObject({ status: 111, stderr });
    });

    test('whatever bytes come and go, the outcome is one of those promised', async () => {
      const bytes = fc.string({ unit: 'binary', maxLength: 1200 });
      const word = bytes.map((text) => text.replaceAll('\0', '') || 'x');
      const status = fc.constantFrom('0 ', '1 ', '1 12/10 ', '2 ', '');
      const said = fc.tuple(status, bytes, fc.constantFrom('\r\n', '\n', ''));
      const asked = fc.asyncProperty(said, word, word, async (parts, value, message) => {
        const args = ['-t', '60000', '-v', value, '-m', message, 'echo', 'served'];
        const outcome = await outcomeUnder(args, {}, replyAndClose(parts.join('')));
        expect([0, 1]).toContain(outcome.status);
        expect(outcome.stdout).toMatch(outcome.status === 0 ? /^served\n$/ : /^[^\r\n]*\r\n$/);
        expect(outcome.stdout.length).toBeLessThanOrEqual(512);
        expect(outcome.stderr).toMatch(/^(ratecheck: warning: [\x20-\x7e]+\n)?$/);
      });
      await fc.assert(asked, { numRuns: 60, seed: 2007 });
    });
  });
}
