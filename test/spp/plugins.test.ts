/** The plugins of qmail-spp, run as qmail-smtpd runs them, against the real daemon and bad ones. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { newDirectory, patientRatecheck } from '../ratecheck/programs.ts';
import { reply, type Script, silence, startScriptedRater } from '../ratecheck/scripted-rater.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { programs, startRater } from '../system/real-rater.ts';
import { secondsLeft } from '../system/seconds-left.ts';
import { commandsIn, runPlugin } from './qmail-smtpd.ts';

const configuration = `
  limits   : { ip: ( ("*", 600, 2) ); user: ( ("rosario", 600, 1), ("*", 600, 1000) ); };
  blocking : { classes: ("ip"); time: 120; };`;

const plugins = ['spp-ipthrottle', 'spp-userthrottle', 'spp-overload'] as const;
const passed = { commands: [], log: [], exit: 0 };
const deadlineMs = 500;
const generousMs = 20_000;

/** What servers pass that set no TCPREMOTEIP. */
const otherServers = [
  ['TCP6REMOTEIP', '2001:db8::1', '2001:db8::1'],
  ['TCPREMOTEADDR', '[2001:db8::1]:4711', '2001:db8::1'],
  ['REMOTE_ADDR', '192.0.2.1', '192.0.2.1'],
  ['REMOTE_HOST', '192.0.2.1', '192.0.2.1'],
] as const;

/** The plugins beside a ratecheck with a long deadline, for tests that are not about it. */
const patient = newDirectory();
const run: typeof runPlugin = (plugin, ...rest) => runPlugin(join(patient.path, plugin), ...rest);

beforeAll(() => {
  patientRatecheck(patient.path);
  for (const name of plugins) symlinkSync(join(programs, name), join(patient.path, name));
});
afterAll(() => patient.remove());

/** A daemon that follows a script, for one test. */
async function scripted(script: Script) {
  const rater = await startScriptedRater(temporaryDirectory(), script);
  onTestFinished(() => rater.close());
  return rater;
}

describe('qmail-smtpd', () => {
  test('takes the last character from a last line without an end', () => {
    expect(commandsIn('R421 a\nN\n')).toEqual(['R421 a', 'N']);
    expect(commandsIn('R421 Too many')).toEqual(['R421 Too man']);
    expect(commandsIn('')).toEqual([]);
  });
});

describe('spp-ipthrottle', () => {
  test('lets a client pass, drops it when it comes too often, and says for how long', async () => {
    const rater = await startRater(temporaryDirectory(), configuration);
    const env = { RATER_SOCKET: rater.socket, TCPREMOTEIP: '192.0.2.1' };
    expect(await run('spp-ipthrottle', env)).toMatchObject(passed);
    expect(await run('spp-ipthrottle', env)).toMatchObject(passed);
    const third = await run('spp-ipthrottle', env);
    const words =
      'R421 Too many connections\\. Please reduce connections per minute\\. Blocking for';
    expect(third.commands).toEqual([
      expect.stringMatching(`^${words} ${secondsLeft(120)} seconds\\.$`),
    ]);
    expect(third.log).toEqual([`ipthrottle: pid ${third.pid} - Rate exceeded per IP (192.0.2.1)`]);
    expect(third.exit).toBe(0);
    const other = { ...env, TCPREMOTEIP: '', TCP6REMOTEIP: '2001:db8::1' };
    expect(await run('spp-ipthrottle', other)).toMatchObject(passed);
    expect((await run('spp-ipthrottle', other)).commands).toEqual([]);
    expect((await run('spp-ipthrottle', other)).log[0]).toContain('(2001:db8::1)');
  });

  test.each([
    ['1 12/10 118', 'Blocking for 118 seconds.'],
    ['1 12/10 118 more', 'Try again later.'],
    ['1 12/10', 'Try again later.'],
    ['1', 'Try again later.'],
    ['1 12/10 $(id)', 'Try again later.'],
  ])('on a reply of %s it says %s', async (text, pause) => {
    const { socket, requests } = await scripted(reply(`${text}\r\n`));
    const env = { RATER_SOCKET: socket, TCPREMOTEIP: '192.0.2.1' };
    const { commands } = await run('spp-ipthrottle', env);
    expect(commands).toEqual([
      `R421 Too many connections. Please reduce connections per minute. ${pause}`,
    ]);
    expect(requests).toEqual(['ip 192.0.2.1']);
  });

  test.each(otherServers)('finds the address that %s has', async (name, value, address) => {
    const { socket, requests } = await scripted(reply('1 2/1\r\n'));
    const { log, pid } = await run('spp-ipthrottle', { RATER_SOCKET: socket, [name]: value });
    expect(requests).toEqual([`ip ${address}`]);
    expect(log).toEqual([`ipthrottle: pid ${pid} - Rate exceeded per IP (${address})`]);
  });

  test('passes without an address, with one line in the log', async () => {
    const rater = await startRater(temporaryDirectory(), configuration);
    const outcome = await run('spp-ipthrottle', { RATER_SOCKET: rater.socket });
    expect(outcome).toMatchObject({ commands: [], exit: 0 });
    expect(outcome.log).toHaveLength(1);
  });

  test('passes when the daemon replies with an error, and logs it', async () => {
    const rater = await startRater(temporaryDirectory(), configuration);
    const env = { RATER_SOCKET: rater.socket, TCPREMOTEIP: 'nonsense' };
    const { commands, log, exit, pid } = await run('spp-ipthrottle', env);
    expect({ commands, exit }).toEqual({ commands: [], exit: 0 });
    expect(log).toEqual([
      `ipthrottle: pid ${pid} - Not checked: rater says 2 Not an address: nonsense`,
    ]);
  });
});

describe('spp-userthrottle', () => {
  test('drops a user who sends too often, and no other', async () => {
    const rater = await startRater(temporaryDirectory(), configuration);
    const env = { RATER_SOCKET: rater.socket, TCPREMOTEIP: '192.0.2.1', SMTPAUTHUSER: 'rosario' };
    expect(await run('spp-userthrottle', env)).toMatchObject(passed);
    const second = await run('spp-userthrottle', env);
    expect(second).toMatchObject({
      commands: ['R421 Too many messages. Please reduce messages per minute. Try again later.'],
      log: [`userthrottle: pid ${second.pid} - Rate exceeded per user (rosario)`],
      exit: 0,
    });
    const other = { ...env, SMTPAUTHUSER: 'ralsina' };
    expect(await run('spp-userthrottle', other)).toMatchObject(passed);
  });

  test('counts the spellings of one account as one where the class folds', async () => {
    const folding = `${configuration} classes : { user: { fold: true; }; };`;
    const rater = await startRater(temporaryDirectory(), folding);
    const env = { RATER_SOCKET: rater.socket, TCPREMOTEIP: '192.0.2.1' };
    const sent = (user: string) => run('spp-userthrottle', { ...env, SMTPAUTHUSER: user });
    expect(await sent('Rosario')).toMatchObject(passed);
    for (const user of ['rosario', 'ROSARIO', 'rosario ']) {
      expect(await sent(user)).toMatchObject({ commands: [expect.stringMatching(/^R421 /)] });
    }
    expect(await sent('ralsina')).toMatchObject(passed);
  });

  test.each([[{}], [{ SMTPAUTHUSER: '' }]])('says and asks nothing for %j', async (env) => {
    const { socket, requests } = await scripted(reply('1 2/1\r\n'));
    const outcome = await run('spp-userthrottle', { ...env, RATER_SOCKET: socket });
    expect(outcome).toMatchObject(passed);
    expect(requests).toEqual([]);
  });
});

describe('spp-overload', () => {
  function queue(isOverloaded: boolean) {
    const file = join(temporaryDirectory(), 'overloaded');
    if (isOverloaded) writeFileSync(file, '');
    return { OVERLOADED: file, TCPREMOTEIP: '192.0.2.1' };
  }

  test('turns unauthenticated clients away while the file exists', async () => {
    const outcome = await run('spp-overload', queue(true));
    expect(outcome).toMatchObject({
      commands: ['R451 Temporary Failure: Server overload'],
      log: [`overload: pid ${outcome.pid} - Server overload (192.0.2.1)`],
      exit: 0,
    });
    expect(await run('spp-overload', queue(false))).toMatchObject(passed);
  });

  test.each(otherServers)('finds the address that %s has', async (name, value, address) => {
    const { OVERLOADED } = queue(true);
    const { log, pid } = await run('spp-overload', { OVERLOADED, [name]: value });
    expect(log).toEqual([`overload: pid ${pid} - Server overload (${address})`]);
  });

  test('needs no address, and no ratecheck', async () => {
    const alone = join(temporaryDirectory(), 'spp-overload');
    writeFileSync(alone, readFileSync(join(programs, 'spp-overload')), { mode: 0o755 });
    const { commands, log, pid } = await runPlugin(alone, { OVERLOADED: queue(true).OVERLOADED });
    expect(commands).toEqual(['R451 Temporary Failure: Server overload']);
    expect(log).toEqual([`overload: pid ${pid} - Server overload ()`]);
  });

  test('lets authenticated users pass', async () => {
    const env = queue(true);
    expect(await run('spp-overload', { ...env, SMTPAUTHUSER: 'u' })).toMatchObject(passed);
    const empty = await run('spp-overload', { ...env, SMTPAUTHUSER: '' });
    expect(empty.commands).toHaveLength(1);
  });

  test('takes a relative file from the directory in which qmail-smtpd runs', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'control'));
    writeFileSync(join(home, 'control/overloaded'), '');
    const env = { OVERLOADED: 'control/overloaded' };
    expect((await run('spp-overload', env, home)).commands).toHaveLength(1);
    expect(await run('spp-overload', env)).toMatchObject(passed);
  });

  test('has the same default as the configuration', () => {
    const text = readFileSync(join(programs, 'spp-overload'), 'utf8');
    expect(text).toContain(':-/var/qmail/control/overloaded}');
  });
});

const asking = plugins.slice(0, 2);

describe.each(asking)('%s without a daemon that answers', (plugin) => {
  const env = { TCPREMOTEIP: '192.0.2.1', SMTPAUTHUSER: 'rosario' };

  test('passes when the daemon is down, with one line in the log', async () => {
    const outcome = await runPlugin(plugin, { ...env, RATER_SOCKET: '/nonexistent' });
    expect(outcome).toMatchObject({
      commands: [],
      log: ['ratecheck: fatal: cannot connect to /nonexistent: No such file or directory'],
      exit: 0,
    });
  });

  test('passes when the daemon hangs, at the deadline', async () => {
    const { socket } = await scripted(silence);
    const outcome = await runPlugin(plugin, { ...env, RATER_SOCKET: socket });
    expect(outcome).toMatchObject({ commands: [], exit: 0 });
    expect(outcome.log).toEqual([
      `ratecheck: fatal: no answer from ${socket}: not within ${deadlineMs} ms`,
    ]);
    expect(outcome.milliseconds).toBeLessThan(generousMs);
  });

  test.each(['', 'what\r\n', '3 1/2\r\n'])('passes when the daemon says %j', async (text) => {
    const { socket } = await scripted((connection) => connection.end(text));
    const outcome = await runPlugin(plugin, { ...env, RATER_SOCKET: socket });
    expect(outcome).toMatchObject({ commands: [], exit: 0 });
    expect(outcome.log).toHaveLength(1);
  });

  test('passes when there is no ratecheck', async () => {
    const alone = join(temporaryDirectory(), plugin);
    writeFileSync(alone, readFileSync(join(programs, plugin)), { mode: 0o755 });
    const outcome = await runPlugin(alone, env);
    expect(outcome).toMatchObject({ commands: [], exit: 0 });
    expect(outcome.log).toHaveLength(1);
  });

  test('finds ratecheck beside itself, or else in PATH', async () => {
    const { socket, requests } = await scripted(reply('0 1/2\r\n'));
    const directory = temporaryDirectory();
    const alone = join(directory, plugin);
    writeFileSync(alone, readFileSync(join(programs, plugin)), { mode: 0o755 });
    const PATH = `${patient.path}:/usr/bin:/bin`;
    expect(await runPlugin(alone, { ...env, RATER_SOCKET: socket, PATH })).toMatchObject(passed);
    patientRatecheck(directory);
    expect(await runPlugin(alone, { ...env, RATER_SOCKET: socket })).toMatchObject(passed);
    expect(requests).toHaveLength(2);
  });
});

describe('hostile values', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['spaces', 'a b  c '],
    ['quotes', `a'b"c\`d`],
    ['a command', '$(touch pwned); `touch pwned` | touch pwned & touch pwned'],
    ['a pattern', '* ? [a-z] ~ {a,b}'],
    ['a path', '../../../../etc/passwd'],
    ['an option', '-n -F --help'],
    ['a backslash', 'a\\nb\\c %s %n'],
    ['control bytes', 'a\x1b[2J\x07\x7f\t'],
    ['other alphabets', 'Jürgen ☃'],
    ['a forged line of the log', 'x) ipthrottle: pid 1 - Rate exceeded per IP (9.9.9.9'],
  ];
  const unsendable: readonly (readonly [string, string])[] = [
    ['a newline', 'a\nip 9.9.9.9'],
    ['a newline at the end', 'a\n'],
    ['a CR', 'a\rb'],
    ['10 kB', 'x'.repeat(10_240)],
  ];

  test.each(hostile)('%s reach the daemon unchanged, and the log sanitized', async (_, value) => {
    const { socket, requests } = await scripted(reply('1 2/1\r\n'));
    const cwd = temporaryDirectory();
    const env = { RATER_SOCKET: socket, TCPREMOTEIP: value, SMTPAUTHUSER: value };
    for (const plugin of asking) {
      const { commands, log, exit } = await run(plugin, env, cwd);
      expect(exit).toBe(0);
      expect(commands).toHaveLength(1);
      expect(commands[0]).toMatch(/^R421 [\w. ]+ Try again later\.$/);
      expect(log).toHaveLength(1);
      expect(log[0]).toMatch(/^\w+: pid \d+ - Rate exceeded per \w+ \([\w.:%@+=/?-]{1,64}\)$/);
    }
    const sent = Buffer.from(value).toString('latin1');
    expect(requests).toEqual([`ip ${sent}`, `user ${sent}`]);
    expect(existsSync(join(cwd, 'pwned'))).toBe(false);
  });

  test.each(unsendable)('%s is not sent, and the client passes', async (_, value) => {
    const { socket, requests } = await scripted(reply('1 2/1\r\n'));
    const env = { RATER_SOCKET: socket, TCPREMOTEIP: value, SMTPAUTHUSER: value };
    for (const plugin of asking) {
      const { commands, log, exit } = await run(plugin, env);
      expect({ commands, exit }).toEqual({ commands: [], exit: 0 });
      expect(log).toHaveLength(1);
      expect(log[0]).toMatch(/^ratecheck: fatal: value not sent: [\w ]+$/);
    }
    expect(requests).toEqual([]);
  });

  test.each([...hostile, ...unsendable])('%s do nothing to spp-overload', async (_, value) => {
    const file = join(temporaryDirectory(), 'overloaded');
    writeFileSync(file, '');
    const { commands, log } = await run('spp-overload', {
      OVERLOADED: file,
      TCPREMOTEIP: value,
    });
    expect(commands).toEqual(['R451 Temporary Failure: Server overload']);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^overload: pid \d+ - Server overload \([\w.:%?]{1,64}\)$/);
  });
});

test.each(plugins)('%s leaves standard input alone and needs no more than sh', (plugin) => {
  const text = readFileSync(join(programs, plugin), 'utf8');
  expect(text).toMatch(/^#!\/bin\/sh\n# /);
  expect(text).toContain('\nexec </dev/null\n');
  expect(text).not.toMatch(/\beval\b/);
});
