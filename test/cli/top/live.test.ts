/**
 * `ipthrottle top` on a real terminal, beside a real rater.
 *
 * Tests: src/cli/top.ts, src/cli/top/run-top.ts, src/cli/top/terminal.ts, src/cli/reach-daemon.ts
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';
import { ipthrottle, programs, type RunningRater, startRater } from '../../system/real-rater.ts';
import { until } from '../../system/running-program.ts';
import { TerminalRun } from './terminal-run.ts';

const noTerminal = missing('python3');

const config = `
  limits   : { ip: ( ("*", 60, 10) ); user: ( ("*", 60, 100) ); };
  classes  : { ip: { concurrent: 50; }; };
  blocking : { time: 3600; peers: "peers"; };
  allow    : ( "198.51.100.7" );`;

type Options = NonNullable<ConstructorParameters<typeof TerminalRun>[1]>;

async function site(settings = '') {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'peers'));
  const start = () => startRater(directory, config, settings);
  const rater = await start();
  const command = [process.execPath, join(programs, 'ipthrottle'), '-c', rater.configFile, 'top'];
  return {
    rater,
    start,
    command,
    directory,
    top: (args: readonly string[] = [], options: Options = {}) => {
      return new TerminalRun([...command, ...args], options);
    },
  };
}

/** Asks for each as often as the table says, and waits for the answers. */
async function ask({ socket }: RunningRater, hits: Readonly<Record<string, number>>) {
  const lines = Object.entries(hits).flatMap(([line, times]) => Array<string>(times).fill(line));
  const client = connect(socket);
  onTestFinished(() => void client.destroy());
  let said = '';
  client.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  client.write(lines.map((line) => `${line}\n`).join(''));
  await until('the answers', () => said.split('\n').length > lines.length);
  client.destroy();
}

const some = { 'ip 192.0.2.1': 3, 'ip 192.0.2.2': 2, 'ip 198.51.100.7': 1, 'user bob': 4 };

/** The value of each row from the top. */
function values(run: TerminalRun): string[] {
  const from = run.lines.findIndex((line) => line.startsWith('VALUE'));
  const rows = run.lines.slice(from + 1, -1).filter((line) => line !== '');
  return rows.map((line) => line.split(' ')[0] ?? '');
}

function expectGone(run: TerminalRun) {
  expect({ isOnOtherScreen: run.isOnOtherScreen, hasCursor: run.hasCursor }).toEqual({
    isOnOtherScreen: false,
    hasCursor: true,
  });
}

describe('on a terminal', unless(noTerminal), () => {
  test('it shows the values, busiest first, and follows sort, filter and class', async () => {
    const { rater, top } = await site();
    await ask(rater, some);
    const run = top();
    await run.shows(/VALUE/);
    expect(run.isOnOtherScreen).toBe(true);
    expect(run.hasCursor).toBe(false);
    await run.shows(/^bob +user +4 +4 +4\/100 /m);
    expect(values(run)).toEqual(['bob', '192.0.2.1', '192.0.2.2', '198.51.100.7']);
    expect(run.text).toMatch(/^192\.0\.2\.1 +ip +3 +3 +3\/10 /m);
    expect(run.text).toMatch(/^198\.51\.100\.7 +ip +1 +1 +1\/- allowed /m);
    run.press('2');
    await run.shows(/^192\.0\.2\.1 .*\n192\.0\.2\.2 .*\nbob /m);
    run.press('4');
    await run.shows(/^192\.0\.2\.1 .*\n192\.0\.2\.2 .*\n198\.51\.100\.7 .*\nbob /m);
    run.press('i');
    await run.shows(/^bob .*\n198\.51\.100\.7 /m);
    run.press('/192');
    await run.shows(/^filter: 192_$/m);
    await until('others are gone', () => values(run).join() === '192.0.2.2,192.0.2.1');
    run.press('\x7f\x7f\x7fB\r');
    await until('only bob is left', () => values(run).join() === 'bob');
    run.press('/\x1b');
    await run.shows(/192\.0\.2\.2/);
    run.press('c');
    await run.shows(/sort address inverted, class ip$/m);
    await until('bob is gone', () => !values(run).includes('bob'));
    run.press('q');
    expect(await run.ends()).toEqual({ exit: 0, isRestored: true });
    expectGone(run);
  });

  test('options choose what is seen first', async () => {
    const { rater, top } = await site();
    await ask(rater, some);
    const run = top(['--class', 'ip', '--filter', '192', '--sort', 'address', '-n', '1']);
    expect(await run.ends()).toEqual({ exit: 0, isRestored: true });
    expectGone(run);
    const [, shown = ''] = run.written.split('\x1b[?1049h');
    expect(shown).toContain('sort address, class ip, filter 192');
    expect(shown.match(/192\.0\.2\.\d/g)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('block, unblock and allow ask first, and details are what check says', async () => {
    const { rater, top } = await site();
    const check = async () => (await ipthrottle(rater.configFile, 'check', '192.0.2.1')).stdout;
    await ask(rater, some);
    const run = top(['--class', 'ip']);
    await run.shows(/192\.0\.2\.1 /);
    run.press('b');
    await run.shows(/choose a value first/);
    run.press('jb');
    await run.shows(/^Block 192\.0\.2\.1\? y\/n$/m);
    run.press('n');
    await run.shows(/^did not block 192\.0\.2\.1$/m);
    expect(await check()).toMatch(/not blocked/);
    run.press('by');
    await run.shows(/^blocked 192\.0\.2\.1 for 60 minutes|^blocked 192\.0\.2\.1 for 1 hour/m);
    await run.shows(/^192\.0\.2\.1 .* blocked (1h|60m)/m);
    expect(await check()).toMatch(/blocked for/);
    run.press('\r');
    await run.shows(/^DETAILS of ip 192\.0\.2\.1$/m);
    await run.shows(/^ {2}block: by an operator, /m);
    run.press('\x1b');
    await run.shows(/^VALUE/m);
    run.press('uy');
    await run.shows(/^unblocked 192\.0\.2\.1 \(/m);
    await until('it is let in', async () => /not blocked/.test(await check()));
    await ask(rater, some);
    await until('it is selected', () => run.inverse.some((line) => line.startsWith('192.0.2.1 ')));
    run.press('ay');
    await run.shows(/^allowed 192\.0\.2\.1 for 60 minutes|^allowed 192\.0\.2\.1 for 1 hour/m);
    expect(await check()).toMatch(/allowlist: yes, by 192\.0\.2\.1/);
    run.press('q');
    expect(await run.ends()).toMatchObject({ exit: 0 });
  });

  test('the address is the one that the question named, wherever its row is by then', async () => {
    const { rater, top } = await site();
    await ask(rater, { 'ip 192.0.2.1': 3, 'ip 192.0.2.2': 2 });
    const run = top();
    await run.shows(/^192\.0\.2\.1 .*\n192\.0\.2\.2 /m);
    run.press('jb');
    await run.shows(/^Block 192\.0\.2\.1\? y\/n$/m);
    await ask(rater, { 'ip 192.0.2.2': 7, 'ip 192.0.2.3': 8 });
    await run.shows(/^192\.0\.2\.2 .*\n192\.0\.2\.3 .*\n192\.0\.2\.1 /m);
    await run.shows(/^Block 192\.0\.2\.1\? y\/n$/m);
    run.press('y');
    await run.shows(/^blocked 192\.0\.2\.1 for /m);
    const { stdout } = await ipthrottle(rater.configFile, 'list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ address: '192.0.2.1', source: 'operator' }]);
  });

  test('with --read-only no key changes anything', async () => {
    const { rater, top } = await site();
    await ask(rater, some);
    const run = top(['--read-only', '--class', 'ip']);
    await run.shows(/192\.0\.2\.1 /);
    run.press('jby');
    await run.shows(/copied|cannot block: this is --read-only|\? keys/);
    const { stdout } = await ipthrottle(rater.configFile, 'list', '--json');
    expect(JSON.parse(stdout)).toEqual([]);
  });

  test('texts from the network drive no terminal', async () => {
    const { rater, top } = await site();
    await ask(rater, { 'user \u001b[2J\u001b]0;owned\u0007': 2, 'user \u202emirror': 1 });
    const run = top();
    await run.shows(/^\\u001b\[2J\\u…owned\\u0007 /m);
    await run.shows(/^\\u202emirror /m);
    for (const raw of ['owned\u0007', '\u001b[2J\u001b]']) expect(run.written).not.toContain(raw);
    run.press('j\r');
    await run.shows(/^DETAILS of user \\u001b\[2J/m);
    run.press('qq');
    await run.ends();
  });

  test('it follows the size of the terminal', async () => {
    const { rater, top } = await site();
    await ask(rater, { ...some, 'ip 2001:db8:1234:5678::1': 1 });
    const run = top([], { rows: 60, columns: 200 });
    await run.shows(/ SESS LIMIT OF/);
    await run.shows(/^2001:db8:1234:5678::\/64 +ip .* 0\/50 \* in 60s$/m);
    run.resize(10, 40);
    await run.shows(/^VALUE +COUNT\/LIM STATE$/m);
    await run.shows(/^2001:db8…678::\/64 /m);
    expect(run.lines).toHaveLength(10);
    for (const [rows, columns] of [
      [1, 1],
      [2, 7],
      [3, 300],
    ] as const) {
      run.resize(rows, columns);
      await sleep(100);
    }
    run.resize(24, 80);
    await run.shows(/^VALUE +CLASS +10S +60S COUNT\/LIM STATE +LAST 2 MIN$/m);
    run.press('q');
    expect(await run.ends()).toEqual({ exit: 0, isRestored: true });
  });

  test('without colours where NO_COLOR says so, and without UTF-8 where the locale says so', async () => {
    const { rater, top } = await site();
    await ask(rater, { ...some, 'ip 192.0.2.1': 12 });
    const colored = top();
    await colored.shows(/blocked (1h|60m)/);
    expect(colored.hasColor).toBe(true);
    const plain = top([], { environment: { NO_COLOR: '1', LC_ALL: 'C' } });
    await plain.shows(/blocked (1h|60m)/);
    plain.press('j');
    await until('it is selected', () => plain.inverse.length === 2);
    expect(plain.hasColor).toBe(false);
    expect(plain.text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test('at rest a screen costs no more than 700 bytes', async () => {
    const { rater, top } = await site();
    const hits = Array.from({ length: 40 }, (_, index) => [`ip 192.0.2.${index}`, 1 + (index % 9)]);
    await ask(rater, Object.fromEntries(hits));
    const run = top(['-d', '0.5']);
    await run.shows(/^192\.0\.2\.\d+ /m);
    await sleep(200);
    const before = run.written.length;
    const time = () => run.lines[0]?.slice(0, 14);
    const seen = new Set<string | undefined>();
    await until('five seconds have passed', () => seen.add(time()).size > 5);
    expect((run.written.length - before) / 10).toBeLessThan(700);
  });

  test('pause stops it, and + makes it slower', async () => {
    const { rater, top } = await site();
    const run = top();
    await run.shows(/^VALUE/m);
    run.press('p');
    await run.shows(/PAUSED/);
    await ask(rater, some);
    await sleep(1500);
    expect(values(run)).toEqual([]);
    run.press('p');
    await run.shows(/^bob /m);
  });
});

describe('rater ends', unless(noTerminal), () => {
  test('it waits and goes on with the next one', async () => {
    const { rater, top, start } = await site();
    await ask(rater, some);
    const run = top();
    await run.shows(/^bob /m);
    await rater.kill();
    await run.shows(/^waiting for rater: nobody listens on .*control\.sock/m);
    expect(values(run)).toContain('bob');
    run.press('jby');
    await run.shows(/bob|rater does not answer/);
    const next = await start();
    await ask(next, { 'user eve': 2 });
    await run.shows(/^eve /m);
    expect(run.text).toMatch(/nobody let in unchecked/);
    run.press('q');
    expect(await run.ends()).toEqual({ exit: 0, isRestored: true });
  });

  test('while it is stopped, q ends the view at once', async () => {
    const { rater, top } = await site();
    const run = top();
    await run.shows(/^VALUE/m);
    process.kill(rater.pid, 'SIGSTOP');
    await sleep(1500);
    run.press('?');
    await run.shows(/^KEYS$/m);
    run.press('qq');
    expect(await run.ends()).toEqual({ exit: 0, isRestored: true });
    process.kill(rater.pid, 'SIGCONT');
  });

  test('a start without rater is told in the shell', async () => {
    const { rater, top } = await site();
    await rater.kill('SIGTERM');
    const run = top();
    expect(await run.ends()).toEqual({ exit: 111, isRestored: true });
    expect(run.written).toMatch(/^ipthrottle: error: rater does not answer: nobody listens on /);
    expect(run.written).not.toContain('\x1b');
  });

  test('a configuration with mistakes does not matter while rater runs', async () => {
    const { rater, top } = await site();
    await ask(rater, some);
    writeFileSync(rater.configFile, `settings: { socket: "rater.sock"; nonsense: 1; };\n`);
    const run = top();
    await run.shows(/^bob /m);
  });
});

describe('Guarantee: the terminal is as it was before,', unless(noTerminal), () => {
  /** Throws where no part of the program expects it. */
  const crashing = `--import=data:text/javascript,${encodeURIComponent(
    'process.on("SIGUSR2", () => { throw new Error("found a bug"); });',
  )}`;

  test.each<[string, { readonly keys?: string; readonly signal?: string }, number]>([
    ['q', { keys: 'q' }, 0],
    ['Ctrl-C', { keys: '\x03' }, 0],
    ['SIGINT', { signal: 'SIGINT' }, -2],
    ['SIGTERM', { signal: 'SIGTERM' }, -15],
    ['SIGHUP', { signal: 'SIGHUP' }, -1],
    ['SIGQUIT', { signal: 'SIGQUIT' }, -3],
    ['a bug', { signal: 'SIGUSR2' }, 101],
  ])('ended by %s', async (_, how, exit) => {
    const { top } = await site();
    const run = top([], { environment: { NODE_OPTIONS: crashing } });
    await run.shows(/^VALUE/m);
    if (how.keys !== undefined) run.press(how.keys);
    if (how.signal !== undefined) run.signal(how.signal);
    expect(await run.ends()).toEqual({ exit, isRestored: true });
    expectGone(run);
    if (exit === 101) {
      const [, behind = ''] = run.written.split('\x1b[?1049l');
      expect(behind).toMatch(/^ipthrottle: bug: Error: found a bug\r\n/);
    }
  });

  test('ended by the terminal that hangs up', async () => {
    const { top } = await site();
    const run = top();
    await run.shows(/^VALUE/m);
    run.hangUp();
    expect((await run.ends()).exit).toBeLessThanOrEqual(0);
  });

  test('hung up on under nohup, which ignores SIGHUP', async () => {
    const { command } = await site();
    const run = new TerminalRun(['sh', '-c', 'trap "" HUP; exec "$@"', 'sh', ...command]);
    await run.shows(/^VALUE/m);
    run.hangUp();
    await run.ends();
  });

  test.each(['\x1a', 'SIGTSTP', 'SIGSTOP'])(
    'stopped by %j, and drawn again after fg',
    async (how) => {
      const { command, rater } = await site();
      await ask(rater, some);
      const shell = new TerminalRun(['bash', '--norc', '--noprofile', '-i']);
      const type = (line: string) => shell.press(`${line}\r`);
      type("PS1='ready> '");
      await shell.shows(/^ready>/m);
      type(
        `cd ${rater.configFile.replace(/[^/]*$/, '')}; stty -a >before; clear; ${command.join(' ')}`,
      );
      await shell.shows(/^bob /m);
      if (how === '\x1a') shell.press(how);
      else process.kill(childOf(shell.pid), how);
      await shell.shows(/Stopped/);
      if (how !== 'SIGSTOP') expectGone(shell);
      // A program that is stopped by force cannot clear up; the shell keeps its own settings.
      type('stty -a >stopped; cmp before stopped && echo "the"" same"');
      await shell.shows(/the same/);
      type('fg');
      await shell.shows(/^bob .*\n/m);
      expect(shell.isOnOtherScreen).toBe(true);
      shell.press('?');
      await shell.shows(/^KEYS$/m);
      shell.press('qq');
      await shell.shows(/^ready>$/m);
      expectGone(shell);
      type('stty -a >after; cmp before after && echo "as"" before"; exit');
      await shell.shows(/as before/);
      await shell.ends();
    },
  );
});

/** The only one. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
}

describe('without a terminal', () => {
  test('it prints one screen, or as many as asked for', async () => {
    const { rater } = await site();
    await ask(rater, some);
    const once = await ipthrottle(rater.configFile, 'top');
    expect(once).toMatchObject({ exit: 0, stderr: '' });
    expect(once.stdout).toMatch(/^rater .*\nchecks\/s .*\nnobody let in .*\nVALUE .*\nbob .*\n192/);
    expect(once.stdout).not.toContain('\x1b');
    expect(await ipthrottle(rater.configFile, 'top', '-1', '--sort', 'address')).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/VALUE .*\n192\.0\.2\.1 /),
    });
    const twice = await ipthrottle(rater.configFile, 'top', '-n', '2', '-d', '0.5');
    expect(twice.stdout.match(/^VALUE/gm)).toHaveLength(2);
  });

  test('--json prints one object a line', async () => {
    const { rater } = await site();
    await ask(rater, some);
    const { stdout } = await ipthrottle(rater.configFile, 'top', '--json', '-n', '2', '-d', '0.5');
    const screens = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(screens).toHaveLength(2);
    expect(screens[1]).toMatchObject({
      counters: { checks: 10 },
      values: [
        { class: 'user', value: 'bob', address: null, count: 4, limit: 100, block: null },
        { class: 'ip', value: '192.0.2.1', address: '192.0.2.1', count: 3, perSecond: 0.3 },
        { class: 'ip', value: '192.0.2.2' },
        { class: 'ip', value: '198.51.100.7', allowlisted: true, limit: -1, pattern: null },
      ],
    });
  });

  test('a reader that goes away ends it', async () => {
    const { command } = await site();
    const shell = ['-c', '"$@" | head -n 1', 'sh', ...command, '--json', '-d', '0.5'];
    await new Promise<void>((resolve, reject) => {
      execFile('sh', shell, (error, stdout, stderr) => {
        expect(stdout).toMatch(/^\{.*\}\n$/);
        expect(stderr).toBe('');
        if (error) reject(error);
        else resolve();
      });
    });
  });

  test.each([
    [['--sort', 'nonsense'], '--sort is one of rate, count, left, address, not nonsense'],
    [['--class', 'nonsense'], 'no such class: nonsense; there are ip, user'],
    [['-n', '0'], '--frames: not such a number: 0'],
    [['-d', 'soon'], '--delay: not such a number: soon'],
    [['-d', '0.1'], '--delay is from 0.5 to 60 seconds'],
    [['--delay', '61'], '--delay is from 0.5 to 60 seconds'],
  ])('wrong usage: %j', async (args, what) => {
    const { rater } = await site();
    expect(await ipthrottle(rater.configFile, 'top', ...args)).toEqual({
      exit: 100,
      stdout: '',
      stderr: `ipthrottle: error: wrong usage: ${what}\n`,
    });
  });
});
