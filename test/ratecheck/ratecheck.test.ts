import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Exchange, exchanges } from './exchanges.ts';
import { builtRatecheck, compiledFixture, newDirectory, run } from './programs.ts';
import { reply, replySlowly, silence, startScriptedRater } from './scripted-rater.ts';

const directory = newDirectory();
let ratecheck = '';
let oddStart = '';

beforeAll(() => {
  ratecheck = builtRatecheck();
  oddStart = compiledFixture('odd-start', directory.path);
});
afterAll(() => directory.remove());

async function outcomeOf({ args, env, script, asked }: Exchange) {
  const rater = await startScriptedRater(directory.path, script);
  const around = { env: { ...env, RATER_SOCKET: rater.socket } };
  const outcome = await run([ratecheck, ...args], around);
  // A client with a short deadline may be gone before this thread has read what it sent.
  for (let turn = 0; turn < 1000 && rater.requests.length < asked.length; turn++) await pause(5);
  await rater.close();
  const stderr = outcome.stderr.replaceAll(rater.socket, 'SOCKET');
  return { ...outcome, stderr, asked: rater.requests };
}

describe('an exchange with the daemon', () => {
  test.each(exchanges)('$title', async (exchange) => {
    const { status, stdout, stderr, asked } = exchange;
    const expected = { status, signal: null, stdout, stderr, asked };
    expect(await outcomeOf(exchange)).toEqual(expected);
  });
});

describe('the socket', () => {
  test('-s takes precedence over RATER_SOCKET', async () => {
    const rater = await startScriptedRater(directory.path, reply('0 1/1\r\n'));
    const env = { RATER_SOCKET: '/nonexistent' };
    const command = [ratecheck, '-t', '60000', '-s', rater.socket, '-n', 'ip', 'x'];
    const outcome = await run(command, { env });
    await rater.close();
    expect(outcome).toMatchObject({ status: 0, stdout: '0 1/1\n' });
  });

  test('without a socket the program runs with a warning', async () => {
    const socket = join(directory.path, 'none');
    const outcome = await run([ratecheck, '-s', socket, '-v', 'x', 'echo', 'served']);
    const stderr = `ratecheck: warning: cannot connect to ${socket}: No such file or directory, running echo unchecked\n`;
    expect(outcome).toEqual({ status: 0, signal: null, stdout: 'served\n', stderr });
  });

  test('without a free descriptor the program runs with a warning', async () => {
    const args = ['no-more-files', '--', ratecheck, '-v', 'x', 'true'];
    const outcome = await run([oddStart, ...args]);
    // Each libc has its own words for the reason; without descriptors `true` may not load.
    expect(outcome.stderr).toMatch(
      /^ratecheck: warning: cannot open a socket: [\w ]+, running true unchecked\n/,
    );
  });

  test.each([
    ['close0', '1 2/1\r\n', 1],
    ['close1', '1 2/1\r\n', 1],
    ['close2', '2 no\r\n', 0],
  ])(
    'after %s it does not take that descriptor: output to it is lost',
    async (state, text, status) => {
      const rater = await startScriptedRater(directory.path, reply(text));
      const check = [
        ratecheck,
        '-t',
        '60000',
        '-s',
        rater.socket,
        '-m',
        '421\n',
        '-v',
        'x',
        'true',
      ];
      const outcome = await run([oddStart, state, '--', ...check]);
      // A further request would be a line that was meant for the client or the log.
      const again = await run([ratecheck, '-t', '60000', '-s', rater.socket, '-n', 'ip', 'y']);
      await rater.close();
      expect([outcome.status, again.status]).toEqual([status, Number(text.charAt(0))]);
      expect(rater.requests).toEqual(['ip x', 'ip y']);
    },
  );

  test('a full backlog is waited for, not taken for a failure', async () => {
    const rater = await startScriptedRater(directory.path, reply('0 1/1\r\n'), 1);
    const command = [ratecheck, '-t', '60000', '-s', rater.socket, '-n', 'ip', 'x'];
    const clients = Array.from({ length: 12 }, () => run(command));
    // While this thread is busy no connection is accepted, so most clients find the backlog full.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const outcomes = await Promise.all(clients);
    await rater.close();
    expect(outcomes.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      outcomes.map(() => ({ status: 0, stderr: '' })),
    );
  });

  test('a backlog that stays full ends at the deadline', async () => {
    const rater = await startScriptedRater(directory.path, silence, 1);
    const command = [ratecheck, '-t', '100', '-s', rater.socket, '-n', 'ip', 'x'];
    const clients = Array.from({ length: 6 }, () => run(command));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    const outcomes = await Promise.all(clients);
    await rater.close();
    expect(outcomes.map((outcome) => outcome.stderr)).toEqual(
      outcomes.map(() => `ratecheck: fatal: no answer from ${rater.socket}: not within 100 ms\n`),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(outcomes.map(() => 111));
  });
});

describe('Guarantee: one deadline covers everything', () => {
  const generousMs = 20_000;

  async function elapsedMs(action: () => Promise<unknown>): Promise<number> {
    const start = performance.now();
    await action();
    return performance.now() - start;
  }

  test('a silent daemon', async () => {
    const rater = await startScriptedRater(directory.path, silence);
    const command = [ratecheck, '-s', rater.socket, '-t', '200', '-v', 'x', 'true'];
    expect(await elapsedMs(() => run(command))).toBeLessThan(generousMs);
    await rater.close();
  });

  test('a daemon that drips bytes forever does not extend it', async () => {
    const drip = replySlowly('0 '.padEnd(400, 'x'));
    const rater = await startScriptedRater(directory.path, (connection, request) => {
      const again = setInterval(() => connection.write('y'), 20);
      connection.on('close', () => clearInterval(again));
      drip(connection, request);
    });
    const command = [ratecheck, '-s', rater.socket, '-t', '200', '-F', '-v', 'x', 'true'];
    expect(await elapsedMs(() => run(command))).toBeLessThan(generousMs);
    await rater.close();
  });

  test.each(['pipe', 'socket'])('a client that does not read its %s', async (kind) => {
    const rater = await startScriptedRater(directory.path, reply('1 2/1\r\n'));
    // Long enough for the answer, too.
    const check = [ratecheck, '-s', rater.socket, '-t', '3000', '-v', 'x', 'true'];
    let status: number | null = null;
    const wait = async () => {
      ({ status } = await run([oddStart, `full${kind}1`, '--', ...check]));
    };
    expect(await elapsedMs(wait)).toBeLessThan(generousMs);
    expect(status).toBe(1);
    await rater.close();
  });

  test('a full log: the warning is lost, the program runs', async () => {
    const check = [ratecheck, '-s', '/nonexistent', '-t', '300', '-v', 'x', 'echo', 'served'];
    let stdout = '';
    const wait = async () => {
      ({ stdout } = await run([oddStart, 'fullpipe2', '--', ...check]));
    };
    expect(await elapsedMs(wait)).toBeLessThan(generousMs);
    expect(stdout).toBe('served\n');
  });
});

describe('pipes without a reader', () => {
  test('a logger that died does not keep the program from running', async () => {
    const check = [ratecheck, '-s', '/nonexistent', '-v', 'x', 'echo', 'served'];
    const states = ['default-sigpipe', 'brokenpipe2'];
    const outcome = await run([oddStart, ...states, '--', ...check]);
    expect(outcome).toEqual({ status: 0, signal: null, stdout: 'served\n', stderr: '' });
  });

  test('a client that has gone does not change the exit status', async () => {
    const rater = await startScriptedRater(directory.path, reply('1 2/1\r\n'));
    const check = [ratecheck, '-t', '60000', '-s', rater.socket, '-v', 'x', 'true'];
    const states = ['default-sigpipe', 'brokenpipe1'];
    const outcome = await run([oddStart, ...states, '--', ...check]);
    await rater.close();
    expect(outcome).toEqual({ status: 1, signal: null, stdout: '', stderr: '' });
  });

  test('a refusal through a pipe, a file and a closed descriptor', async () => {
    const rater = await startScriptedRater(directory.path, reply('1 2/1\r\n'));
    const check = `${ratecheck} -t 60000 -s ${rater.socket} -m 421 -v x true`;
    const file = join(directory.path, 'refusal');
    const script = `${check} | cat; ${check} >${file}; echo $?; ${check} >&-; echo $?`;
    const outcome = await run(['sh', '-c', script]);
    await rater.close();
    expect(outcome).toMatchObject({ stdout: '421\r\n1\n1\n', stderr: '' });
    expect(readFileSync(file, 'latin1')).toBe('421\r\n');
  });
});

describe('wrong usage is one line and exit 100', () => {
  const longest = `/${'s'.repeat(106)}`;
  test.each([
    [[], 'no program to run'],
    [['--'], 'no program to run'],
    [['-x', 'true'], '-x: unknown option'],
    [['--help'], '--: unknown option'],
    [['-\x1b', 'true'], '-?: unknown option'],
    [['-s'], '-s: needs an argument'],
    [['-Ft'], '-t: needs an argument'],
    [['-s', '', 'true'], "-s: the socket's path is empty"],
    [['-s', `${longest}s`, 'true'], "-s: the socket's path is too long for a Unix socket"],
    [['-t', '0', 'true'], '-t: must be 1 to 600000 milliseconds'],
    [['-t', '600001', 'true'], '-t: must be 1 to 600000 milliseconds'],
    [['-t', '9'.repeat(50), 'true'], '-t: must be 1 to 600000 milliseconds'],
    [['-t', '5s', 'true'], '-t: not a whole number of milliseconds'],
    [['-t', '-5', 'true'], '-t: not a whole number of milliseconds'],
    [['-t', '', 'true'], '-t: not a whole number of milliseconds'],
    [['-m', '', 'true'], '-m: an empty message tells the client nothing'],
    [['-n'], '-n: needs a class and a value, and nothing more'],
    [['-n', 'ip'], '-n: needs a class and a value, and nothing more'],
    [['-n', 'ip', 'x', 'true'], '-n: needs a class and a value, and nothing more'],
    [['-n', '-c', 'ip', 'ip', 'x'], '-n: goes with -s and -t only'],
    [['-nF', 'ip', 'x'], '-n: goes with -s and -t only'],
    [['-nk', 'ip', 'x'], '-n: goes with -s and -t only'],
    [['-nw', 'ip', 'x'], '-n: goes with -s and -t only'],
  ])('%j', async (args, detail) => {
    const outcome = await run([ratecheck, ...args]);
    const stderr = `ratecheck: fatal: wrong usage: ${detail} (try ratecheck -h)\n`;
    expect(outcome).toEqual({ status: 100, signal: null, stdout: '', stderr });
  });

  test('a path from RATER_SOCKET is measured too', async () => {
    const outcome = await run([ratecheck, 'true'], { env: { RATER_SOCKET: `${longest}s` } });
    expect(outcome).toMatchObject({ status: 100 });
    const fits = await run([ratecheck, '-v', 'x', 'true'], { env: { RATER_SOCKET: longest } });
    expect(fits).toMatchObject({ status: 0 });
  });
});

describe('what it says of itself', () => {
  test('-h prints the usage', async () => {
    const outcome = await run([ratecheck, '-h']);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^usage: ratecheck \[-s SOCKET\] \[-t MS\] \[-O\|-F\] /);
  });

  test("-V prints the package's version", async () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    const outcome = await run([ratecheck, '-V']);
    expect(outcome).toMatchObject({ status: 0, stdout: `ratecheck ${version}\n`, stderr: '' });
  });
});
