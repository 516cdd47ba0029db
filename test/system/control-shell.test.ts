/**
 * The control shell of the real daemon, over its Unix socket and over TCP.
 *
 * Tests: src/commands/command.ts, src/commands/commands.ts, src/commands/cops.ts
 * Tests: src/commands/fds.ts, src/commands/help.ts, src/commands/log.ts, src/commands/mem.ts
 * Tests: src/commands/prf.ts, src/commands/reload.ts, src/commands/status.ts, src/commands/tmr.ts
 * Tests: src/commands/uptime.ts, src/commands/variable.ts, src/daemon/log-control.ts
 * Tests: src/daemon/running-daemon.ts, src/commands/outcome-json.ts
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { shellCommands } from '../../src/commands/commands.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { ipthrottle, startRater } from './real-rater.ts';
import { until } from './running-program.ts';
import { refusal } from './seconds-left.ts';
import { shellClient } from './shell-client.ts';

const plainConfig = `
  limits   : { ip: ( ("*", 60, 2) ); user: ( ("*", 60, 2) ); };
  blocking : { time: 120; peers: "peers"; };`;

async function site({ config = plainConfig, settings = '', byTcp = false } = {}) {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'peers'));
  const port = byTcp ? await freePort() : undefined;
  const tcp = port === undefined ? '' : `control_port: ${port};`;
  const rater = await startRater(directory, config, `${settings} ${tcp}`);
  const control = join(directory, 'control.sock');
  return {
    directory,
    rater,
    control,
    /** A person at the shell. */
    person: () => shellClient(port === undefined ? { path: control } : { host: '127.0.0.1', port }),
    /** What rater answers to checks. */
    check: async (...requests: string[]) => {
      const client = connect(rater.socket);
      onTestFinished(() => void client.destroy());
      let said = '';
      client.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      client.write(requests.map((request) => `${request}\n`).join(''));
      await until(`replies: ${said}`, () => said.split('\r\n').length > requests.length);
      client.destroy();
      return said.split('\r\n').slice(0, -1);
    },
  };
}

describe.each([
  ['the Unix socket', false],
  ['TCP', true],
])('by %s', (_, byTcp) => {
  const lineEnd = byTcp ? '\r\n' : '\n';

  test('every command has its answer, and each answer ends with Ok', async () => {
    const { person, directory } = await site({ byTcp });
    const client = await person();
    const file = join(directory, 'rater.conf');
    const answers: Record<string, (string | RegExp)[]> = {
      help: shellCommands.map(({ name, summary }) => `${name} ${summary}`),
      list: [/^ADDRESS +CLASS/],
      history: [/^TIME +EVENT +VALUE +WHAT$/, / started +- +version \d/],
      'block 192.0.2.1': ['blocked 192.0.2.1 for 2 minutes'],
      'unblock 192.0.2.1': [/^unblocked 192\.0\.2\.1/],
      'allow add 192.0.2.9': ['allowed 192.0.2.9 until it is taken back'],
      'check 192.0.2.9': [/^192\.0\.2\.9: not blocked/, /allowlist: yes/],
      reap: [],
      status: [/^rater: running, pid \d+/, /^blocks: 0/, /^checks: 0/, /^failures: 0/],
      top: ['checks: 0, refused: 0, blocks: 0', /^VALUE +CLASS +RATE +PER SECOND/],
      reload: [`reloaded ${file}`],
      uptime: [/^up \d+ seconds?, since 20\d\d-\S+ \S+, pid \d+$/],
      prf: ['checks: 0', /^per second: /],
      metrics: ['ipthrottle_blocks 0', /^# TYPE ipthrottle_checks_total counter$/],
      mem: [/^resident: \d+\.\d MiB/, 'blocks: 0', 'sessions: 0'],
      fds: [/^descriptors: \d+/, /^check +- +clients on .*rater\.sock$/, /the end of its command/],
      tmr: [/^WHAT +DUE IN/, /^reap +\d+ ms/, /^retry +\d+ ms/, /^sweep +\d+ ms/],
      cops: [/^PID +STATE +FOR +COMMAND$/],
      var: [/^NAME +VALUE/, /^enforce +on +yes/],
      log: ['level: 3 (info)', 'file: stderr', 'format: plain'],
      'import "block 192.0.2.50 - spam"': ['imported 1 block and 0 allowances'],
      exit: [],
    };
    expect(
      Object.keys(answers)
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(shellCommands.map(({ name }) => name).sort());
    for (const [line, wanted] of Object.entries(answers)) {
      const lines = await client.ask(line);
      const squeezed = lines.map((each) => each.replace(/ +/g, ' '));
      for (const one of wanted) {
        const found =
          typeof one === 'string' ? squeezed.includes(one) : lines.some((each) => one.test(each));
        expect(found, `${line}: ${one}: ${lines.join('\n')}`).toBe(true);
      }
      expect(lines.filter((each) => each.startsWith('error:'))).toEqual([]);
    }
    await until('the end', () => client.hasEnded);
    expect(client.said.split(lineEnd).filter((line) => line === 'Ok')).toHaveLength(
      Object.keys(answers).length,
    );
    expect(client.said.replaceAll(lineEnd, '')).not.toMatch(/[\r\n]/);
  });

  test('help tells of each command', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    for (const { name, summary, options } of shellCommands) {
      const lines = await client.ask(`help ${name}`);
      expect(lines.slice(0, 2)).toEqual([expect.stringMatching(`^${name}`), `  ${summary}`]);
      expect(lines).toHaveLength(2 + options.length);
    }
    expect(await client.ask('help nonsense')).toEqual([
      'error: wrong usage: no such command: nonsense',
    ]);
  });

  test('errors are told, and the shell goes on', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    const wrong = [
      'nonsense',
      'block "192.0.2.1',
      "block '192.0.2.1",
      'block 192.0.2.1 \\',
      'block',
      'block not-an-address',
      'block --for',
      'list --nonsense',
      'list too many',
      'check 192.0.2.1 192.0.2.2',
      'allow frobnicate',
      'log level loud',
      'log nonsense',
      'log file relative',
      'var nonsense',
      'var settings.port 25',
      'var log_level 9',
      '"\u001b[2J\u0007"',
      '\u0000',
    ];
    for (const line of wrong) {
      const [first, ...rest] = await client.ask(line);
      expect(first, line).toMatch(/^error: (wrong usage|not permitted): /);
      expect(rest, line).toEqual([]);
    }
    expect(await client.ask('')).toEqual([]);
    expect(await client.ask('  \t')).toEqual([]);
    expect(await client.ask('help help')).toHaveLength(2);
    expect(client.said.replaceAll(lineEnd, '')).not.toMatch(/\p{Cc}/u);
  });

  test('a line of a megabyte and binary bytes are errors, and the shell goes on', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    for (const length of [65_537, 1_000_000, 3_000_000]) {
      expect(await client.ask('a'.repeat(length))).toEqual([
        'error: wrong usage: a line is longer than 65536 bytes',
      ]);
    }
    expect(await client.ask(`help ${' '.repeat(65_531)}`)).toHaveLength(shellCommands.length);
    client.send(Uint8Array.of(0xff, 0xfe, 0x80, 0x0a));
    expect(await client.answer()).toEqual(['error: wrong usage: a line is not UTF-8']);
    const noise = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251);
    client.send(noise);
    client.send('\nuptime\n');
    for (;;) {
      const [line = ''] = await client.answer();
      if (line.startsWith('up ')) break;
      expect(line).toMatch(/^(error: .*)?$/);
    }
    expect(client.said.replaceAll(lineEnd, '')).not.toMatch(/\p{Cc}/u);
  });

  test('many commands at once are answered in order, also in pieces', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    const numbers = Array.from({ length: 200 }, (_, index) => 2 + (index % 250));
    const script = numbers.map((number) => `block 192.0.2.${number}\r\n`).join('');
    for (let start = 0; start < script.length; start += 777) {
      client.send(script.slice(start, start + 777));
    }
    for (const number of numbers) {
      expect(await client.answer()).toEqual([`blocked 192.0.2.${number} for 2 minutes`]);
    }
  });

  test('exit is the last command', async () => {
    const { person, check } = await site({ byTcp });
    const client = await person();
    client.send('exit\nblock 192.0.2.1\n');
    expect(await client.answer()).toEqual([]);
    await until('the end', () => client.hasEnded);
    expect(client.said).toBe(`Ok${lineEnd}`);
    expect(await check('ip 192.0.2.1')).toEqual(['0 1/2']);
  });

  test('a client that closes its half still gets all answers', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    client.socket.end('list\nuptime\nnonsense\nlis');
    await until('the end', () => client.hasEnded);
    expect(client.said.split(lineEnd).filter((line) => line === 'Ok')).toHaveLength(3);
  });

  test('a program may speak JSON in the same conversation', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    client.send(
      '{"command":"block","arguments":["192.0.2.1"],"options":{"for":"2h"}}\n{}\nuptime\n',
    );
    const [outcome = '', wrong = '', uptime] = await client.answer();
    expect(JSON.parse(outcome)).toEqual({ exit: 0, lines: ['blocked 192.0.2.1 for 2 hours'] });
    expect(JSON.parse(wrong)).toMatchObject({ exit: 100 });
    expect(uptime).toMatch(/^up /);
  });

  test('a call whose option is neither text nor a switch is none', async () => {
    const { person } = await site({ byTcp });
    const client = await person();
    client.send(
      '{"command":"block","arguments":["192.0.2.1"],"options":{"reason":{"toString":1}}}\nlist\n',
    );
    const [wrong = '', header, ...others] = await client.answer();
    expect(JSON.parse(wrong)).toEqual({ exit: 100, lines: ['rater: error: not a command'] });
    expect(header).toMatch(/^ADDRESS /);
    expect(others).toEqual([]);
  });
});

test('text written by others cannot control a terminal', async () => {
  const { person, check } = await site();
  const client = await person();
  await client.ask('block --reason "\u001b[2J\u009b2J \u202egnp" 192.0.2.1');
  await check('ip \u001b[31m');
  const said = [...(await client.ask('check 192.0.2.1')), ...(await client.ask('list --json'))];
  expect(said.join('')).toContain('\\u001b[2J\\u009b2J \\u202egnp');
  expect(said.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('a client that never reads is not read from, and keeps nobody waiting', async () => {
  const { control, person } = await site();
  const deaf = connect(control);
  onTestFinished(() => void deaf.destroy());
  deaf.on('error', () => {});
  const script = 'var\n'.repeat(20_000);
  let written = 0;
  const pour = () => {
    while (written < 100 && deaf.write(script)) written += 1;
  };
  deaf.on('drain', () => {
    written += 1;
    pour();
  });
  deaf.on('connect', pour);
  const client = await person();
  await until('rater to stop reading', async () => {
    const lines = await client.ask('fds');
    return lines.some((line) => /^control .*the client, to read its answers$/.test(line));
  });
  const before = await residentMebibytes(client);
  // As long as it goes on reading, some more arrives in each of these rounds.
  for (let last = -1; last !== written && written < 100; ) {
    last = written;
    for (let round = 0; round < 50; round += 1) await client.ask('uptime');
  }
  expect(written).toBeLessThan(100);
  expect((await residentMebibytes(client)) - before).toBeLessThan(50);
});

async function residentMebibytes(client: Awaited<ReturnType<typeof shellClient>>): Promise<number> {
  const [line = ''] = await client.ask('mem');
  return Number(/[\d.]+/.exec(line)?.[0]);
}

describe('what is measured', () => {
  test('prf and status count checks by class and verdict', async () => {
    const { person, check } = await site();
    await check('ip 192.0.2.1', 'ip 192.0.2.1', 'ip 192.0.2.1', 'ip 192.0.2.1');
    await check('user bob', 'user bob', 'user bob', 'nonsense x', 'ip x', 'nothing');
    const client = await person();
    const [json = ''] = await client.ask('prf --json');
    const measured = JSON.parse(json);
    expect(measured.checks).toBe(10);
    expect(measured.classes).toEqual([
      { name: 'ip', within: 2, exceeded: 0, blocked: 2, errors: 1 },
      { name: 'user', within: 2, exceeded: 1, blocked: 0, errors: 0 },
      { name: '-', within: 0, exceeded: 0, blocked: 0, errors: 2 },
    ]);
    const counted = measured.latencies.map(({ checks }: { checks: number }) => checks);
    expect(counted.reduce((sum: number, checks: number) => sum + checks, 0)).toBe(10);
    const status = JSON.parse((await client.ask('status --json'))[0] ?? '');
    expect(status.enforce).toBe(true);
    expect(status.counters).toEqual({
      checks: 10,
      within: 4,
      exceeded: 1,
      blocked: 2,
      errors: 3,
      blocksMade: 1,
      wouldBlock: 0,
      wouldRefuse: 0,
      failures: 0,
    });
    expect(await client.ask('prf')).toContain('ip     2       0         2        1');
  });

  test('fds shows who is connected and what each waits for', async () => {
    const config = `${plainConfig} classes : { user: { concurrent: 5; }; };`;
    const { person, rater } = await site({ config });
    const client = await person();
    const idle = await shellClient({ path: rater.socket });
    const busy = await shellClient({ path: rater.socket });
    busy.send('ip 192.');
    const session = await shellClient({ path: rater.socket });
    session.send('+user bob\n');
    await until('a session', () => session.said !== '');
    await until('all of them', async () => {
      const rows = (await client.ask('fds')).map((line) => line.split(/ {2,}/));
      const waiting = rows.filter(([kind]) => kind === 'check').map(([, , what]) => what);
      return (
        waiting.includes('a request') &&
        waiting.includes('the rest of a request') &&
        waiting.includes('the end of its session')
      );
    });
    expect(await client.ask('mem')).toContain('sessions: 1');
    for (const { socket } of [idle, busy, session]) socket.destroy();
    await until('them to be gone', async () => {
      const rows = (await client.ask('fds')).filter((line) => line.startsWith('check '));
      return rows.every((row) => row.includes(' clients on '));
    });
    expect(await client.ask('mem')).toContain('sessions: 0');
  });

  test('cops and tmr show the measuring of the queue', async () => {
    const command = '("sleep", "1000")';
    const config = `${plainConfig} overload : { command: ${command}; every: 1000; };`;
    const { person } = await site({ config });
    const client = await person();
    let row = '';
    // At first it may also be waiting for a disk.
    await until('the child', async () => {
      row = (await client.ask('cops'))[1] ?? '';
      return /^\d+ +sleeping +\d+ seconds? +"sleep 1000"$/.test(row);
    });
    const pid = Number(/^\d+/.exec(row)?.[0]);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toEqual(['sleep', '1000', '']);
    process.kill(pid);
    await until('its end', async () => (await client.ask('cops')).length === 1);
    await until('the next look', async () => {
      const line = (await client.ask('tmr')).find((each) => each.startsWith('look for overload'));
      return line !== undefined && Number(/(\d+) ms/.exec(line)?.[1]) > 900_000;
    });
  });

  test('tmr shows that rules are about to be compiled', async () => {
    const config = `limits : { ip: ( ("*", 60, 0) ); };
      blocking : { time: 120; tcprules: { source: "/dev/null"; cdb: "rules.cdb"; }; };`;
    const { person, check } = await site({ config });
    const client = await person();
    // The first block is compiled at once, each that follows a second later.
    let last = 0;
    await until('a rebuild that waits', async () => {
      last += 1;
      await check(`ip 192.0.2.${last}`);
      return /^rebuild tcprules \S+rules\.cdb +\d+ ms$/m.test((await client.ask('tmr')).join('\n'));
    });
  });
});

describe('var', () => {
  test('a changed block time counts from the next block on, until a reload', async () => {
    const { person, check } = await site();
    const client = await person();
    expect(await client.ask('var blocking.time 70')).toEqual([
      'blocking.time = (70) (configured: (120))',
    ]);
    const three = (address: string) => Array.from({ length: 3 }, () => `ip ${address}`);
    expect(await check(...three('192.0.2.1'))).toEqual(['0 1/2', '0 2/2', refusal('1 3/2', 70)]);
    await client.ask('reload');
    expect(await client.ask('var blocking.time')).toContain('blocking.time = (120)');
    expect(await check(...three('192.0.2.2'))).toEqual(['0 1/2', '0 2/2', refusal('1 3/2', 120)]);
  });

  test('enforce off lets everybody in and shows what would be blocked', async () => {
    const { person, check, directory, rater } = await site();
    const client = await person();
    await client.ask('var enforce off');
    const three = Array.from({ length: 3 }, () => 'ip 192.0.2.1');
    expect(await check(...three)).toEqual(['0 1/2', '0 2/2', '0 3/2']);
    expect(existsSync(join(directory, 'peers/192.0.2.1'))).toBe(false);
    expect((await client.ask('list')).join('\n')).toMatch(/^192\.0\.2\.1 .*would block$/m);
    const status = await client.ask('status');
    expect(status).toEqual(
      expect.arrayContaining(['enforce: off, limits are only logged', 'would block: 1']),
    );
    await rater.says(/would block: address=192\.0\.2\.1/);
    await rater.says(/warn: changed: name=enforce from=on to=off/);
    await client.ask('var enforce on');
    expect(await check('ip 192.0.2.1')).toEqual([refusal('1 4/2', 120)]);
    expect(existsSync(join(directory, 'peers/192.0.2.1'))).toBe(true);
  });
});

describe('log', () => {
  test('the level changes at once, by number and by name', async () => {
    const { person, check, rater } = await site();
    const client = await person();
    await check('ip 192.0.2.1');
    expect(rater.log()).not.toMatch(/debug: hit/);
    expect(await client.ask('log level debug')).toContain('level: 4 (debug)');
    await check('ip 192.0.2.1');
    await rater.says(/debug: hit/);
    expect(await client.ask('log level 1')).toContain('level: 1 (error)');
    expect(await client.ask('var log_level')).toContain('settings.log_level = 1 (configured: 3)');
    const before = rater.log();
    await check('ip 192.0.2.1');
    expect(rater.log()).toBe(before);
  });

  test('goes on in another file and comes back, and nothing is lost', async () => {
    const { person, rater, directory } = await site();
    const client = await person();
    const file = join(directory, 'other.log');
    expect(await client.ask(`log file ${file}`)).toContain(`file: ${file}`);
    await client.ask('block 192.0.2.1');
    expect(readFileSync(file, 'utf8')).toMatch(/blocked: address=192\.0\.2\.1/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(rater.log()).not.toMatch(/address=192\.0\.2\.1/);
    expect(await client.ask(`log file ${directory}/none/x.log`)).toEqual([
      expect.stringMatching(/^error: wrong usage: cannot log there: ENOENT/),
    ]);
    expect(await client.ask('log')).toContain(`file: ${file}`);
    await client.ask('log file stderr');
    await client.ask('block 192.0.2.2');
    await rater.says(/blocked: address=192\.0\.2\.2/);
    expect(readFileSync(file, 'utf8')).not.toMatch(/192\.0\.2\.2/);
  });

  test('reopen follows a file that was moved away, and one that cannot be opened stays', async () => {
    const { person, directory, rater } = await site();
    const client = await person();
    mkdirSync(join(directory, 'logs'));
    const file = join(directory, 'logs/rater.log');
    await client.ask(`log file ${file}`);
    renameSync(file, `${file}.1`);
    await client.ask('block 192.0.2.1');
    await client.ask('log reopen');
    await client.ask('block 192.0.2.2');
    expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/address=192\.0\.2\.1/);
    expect(readFileSync(file, 'utf8')).toMatch(/address=192\.0\.2\.2/);
    rmSync(join(directory, 'logs'), { recursive: true });
    expect(await client.ask('log reopen')).toEqual([
      expect.stringMatching(/^error: wrong usage: cannot log there: ENOENT/),
    ]);
    process.kill(rater.pid, 'SIGHUP');
    await until('a reload', async () => (await client.ask('uptime')).length === 1);
    expect(await client.ask('block 192.0.2.3')).toHaveLength(1);
    expect(await client.ask('status')).toContainEqual(
      expect.stringMatching(/^trouble: log: ENOENT/),
    );
    expect((await client.ask('log')).at(-1)).toMatch(/^trouble: log: ENOENT/);
    mkdirSync(join(directory, 'logs'));
    await client.ask('log reopen');
    expect((await client.ask('status')).join('\n')).not.toMatch(/^trouble: /m);
    expect(readFileSync(file, 'utf8')).toMatch(/recovered: part=log$/m);
  });

  test('its file cannot be set over TCP, where every user of the host can connect', async () => {
    const { person, directory } = await site({ byTcp: true });
    const client = await person();
    const file = join(directory, 'other.log');
    expect(await client.ask(`log file ${file}`)).toEqual([
      'error: not permitted: log file is for the Unix socket only',
    ]);
    expect(existsSync(file)).toBe(false);
  });
});

test('reload tells the mistakes and keeps what it has', async () => {
  const { person, rater, check } = await site();
  const client = await person();
  await check('ip 192.0.2.1');
  const good = readFileSync(rater.configFile, 'utf8');
  writeFileSync(rater.configFile, good.replace('time: 120', 'time: "long"; tyme: 1'));
  const lines = await client.ask('reload');
  expect(lines.at(-1)).toBe('not reloaded: the configuration in use stays');
  expect(lines.join('\n')).toMatch(/rater\.conf:\d+: unknown setting blocking\.tyme/);
  expect(lines.join('\n')).toMatch(/rater\.conf:\d+: blocking\.time must be/);
  const refused = await ipthrottle(rater.configFile, 'reload');
  expect(refused.exit).toBe(100);
  expect(await check('ip 192.0.2.1')).toEqual(['0 2/2']);
  writeFileSync(rater.configFile, good.replace('60, 2', '60, 5'));
  expect(await client.ask('reload')).toEqual([`reloaded ${rater.configFile}`]);
  expect(await check('ip 192.0.2.1')).toEqual(['0 3/5']);
});

test('var shows what is in use, also where the configuration needs a restart', async () => {
  const { person, rater } = await site();
  const client = await person();
  /** Once because the file was saved, and once by the command. */
  const reloads = () => rater.log().match(/info: reloaded: /g)?.length;
  const text = readFileSync(rater.configFile, 'utf8');
  const changed = text.replace('time: 120;', 'time: 60; mode: "polite";');
  writeFileSync(
    rater.configFile,
    changed.replace('settings : {', 'settings : { max_age: 30; port: 1;'),
  );
  await until('the first reload', () => reloads() === 1);
  await client.ask('reload');
  await until('both reloads', () => reloads() === 2);
  const rows = (await client.ask('var')).map((line) => line.split(/ {2,}/));
  const found = (name: string) => rows.find(([first]) => first === name)?.slice(1);
  expect(found('settings.port')).toEqual(['-', 'no', '1']);
  expect(found('blocking.mode')).toEqual(['silent', 'no', 'polite']);
  expect(found('settings.max_age')).toEqual(['30', 'yes']);
  expect(found('blocking.time')).toEqual(['(60)', 'yes']);
  const needed = /warn: restart needed: what="settings\.port, blocking\.mode"$/gm;
  expect(rater.log().match(needed)).toHaveLength(2);
  writeFileSync(rater.configFile, text);
  await until('the next reload', () => reloads() === 3);
  await client.ask('reload');
  await until('both reloads', () => reloads() === 4);
  expect(rater.log().match(/warn: restart needed/g)).toHaveLength(2);
});

describe('ipthrottle', () => {
  test('has the same commands from the daemon', async () => {
    const { rater } = await site();
    const uptime = await ipthrottle(rater.configFile, 'uptime');
    expect(uptime).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^up /) });
    const changed = await ipthrottle(rater.configFile, 'var', 'blocking.time', '7');
    expect(changed.stdout).toBe('blocking.time = (7) (configured: (120))\n');
    const wrong = await ipthrottle(rater.configFile, 'var', 'nonsense');
    expect(wrong).toMatchObject({ exit: 100, stdout: '' });
    expect(wrong.stderr).toContain('no such variable');
  });

  test.each(shellCommands.filter(({ needsDaemon }) => needsDaemon))(
    '$name without a daemon says that nobody answers',
    async ({ name }) => {
      const directory = temporaryDirectory();
      const file = join(directory, 'rater.conf');
      writeFileSync(file, `settings : { socket: "s"; db_path: "db"; };${plainConfig}`);
      const { exit, stdout, stderr } = await ipthrottle(file, name);
      expect({ exit, stdout }).toEqual({ exit: 111, stdout: '' });
      expect(stderr).toMatch(/^ipthrottle: error: rater does not answer: nobody listens on /);
      expect(existsSync(join(directory, 'db'))).toBe(false);
    },
  );
});

test('while tcprules hangs, checks are answered and cops shows it', async () => {
  const bin = temporaryDirectory();
  const script = `#!/bin/sh
test ! -e "${bin}/hang" || { : > "${bin}/started"; exec sleep 1000; }
: > "$1"
`;
  writeFileSync(join(bin, 'tcprules'), script, { mode: 0o755 });
  writeFileSync(join(bin, 'rules'), '198.51.100.0/24:deny\n');
  const before = process.env.PATH ?? '';
  process.env.PATH = `${bin}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  const config = `limits : { ip: ( ("*", 60, 0) ); };
    blocking : { time: 120; tcprules: { source: "${bin}/rules"; cdb: "rules.cdb"; }; };`;
  const { person, check } = await site({ config });
  const client = await person();
  writeFileSync(join(bin, 'hang'), '');
  expect(await check('ip 192.0.2.1')).toEqual([refusal('1 1/0', 120)]);
  await until('tcprules', () => existsSync(join(bin, 'started')));
  expect(await check('ip 192.0.2.1', 'ip 192.0.2.2')).toEqual([
    refusal('1 2/0', 120),
    refusal('1 1/0', 120),
  ]);
  let row: string | undefined;
  await until('what it has become', async () => {
    row = (await client.ask('cops')).find((each) => each.includes('sleep 1000'));
    return row !== undefined;
  });
  rmSync(join(bin, 'hang'));
  process.kill(Number(/^\d+/.exec(row ?? '')?.[0]));
  await until('its end', async () => (await client.ask('cops')).length === 1);
});
