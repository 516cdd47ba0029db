/**
 * The overload through the real programs: the command for cron, the daemon's timer, the refusal.
 *
 * Tests: src/cli/overload.ts, src/overload/overload-watch.ts
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtRatecheck, run } from '../ratecheck/programs.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { programs, startRater } from '../system/real-rater.ts';
import { until } from '../system/running-program.ts';

/** A queue whose length the test sets, and the programs that look at it. */
function mailSite() {
  const directory = temporaryDirectory();
  const file = join(directory, 'overloaded');
  const length = join(directory, 'length');
  const qstat = join(directory, 'qmail-qstat');
  const looks = join(directory, 'looks');
  const script = `#!/bin/sh
    echo x >>${looks}
    echo "messages in queue: 900"
    echo "messages in queue but not yet preprocessed: $(cat ${length})"\n`;
  writeFileSync(qstat, script);
  chmodSync(qstat, 0o755);
  /** By rename, so that qmail-qstat never finds it empty. */
  const queue = (messages: number | string) => {
    writeFileSync(`${length}.new`, `${messages}`);
    renameSync(`${length}.new`, length);
  };
  const options = ['overload', '--command', qstat, '--file', file];
  const overload = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(programs, 'ipthrottle'), ...words],
      { encoding: 'utf8', env: { PATH: process.env.PATH } },
    );
    return { status, stdout, stderr };
  };
  const countLooks = () => (existsSync(looks) ? readFileSync(looks, 'utf8').length / 2 : 0);
  return { directory, file, qstat, queue, options, overload, countLooks };
}

function configuration({ file, qstat }: { file: string; qstat: string }, rest = ''): string {
  return `
    limits   : { ip: ( ("*", 600, 1000) ); };
    classes  : { ip: { overload: true; }; };
    allow    : ( "192.0.2.128/25" );
    overload : { file: "${file}"; command: "${qstat}"; above: 10; below: 5; ${rest} };`;
}

describe('ipthrottle overload', () => {
  test('sets the file above, keeps it in between, removes it below, and says what it did', () => {
    const { file, queue, options, overload } = mailSite();
    const silence = { status: 0, stdout: '', stderr: '' };
    queue(100);
    expect(overload(...options)).toEqual(silence);
    expect(existsSync(file)).toBe(false);
    queue(101);
    expect(overload(...options)).toEqual({
      ...silence,
      stdout: `overload began: 101 messages, set ${file}\n`,
    });
    expect(existsSync(file)).toBe(true);
    queue(80);
    expect(overload(...options)).toEqual(silence);
    expect(existsSync(file)).toBe(true);
    expect(overload(...options, '--verbose').stdout).toBe('still overloaded: 80 messages\n');
    queue(1);
    expect(overload(...options)).toEqual({
      ...silence,
      stdout: `overload ended: 1 message, removed ${file}\n`,
    });
    expect(existsSync(file)).toBe(false);
    expect(overload(...options, '--verbose').stdout).toBe('no overload: 1 message\n');
  });

  test('takes thresholds as options', () => {
    const { queue, options, overload } = mailSite();
    queue(4);
    expect(overload(...options, '--above', '3', '--below', '2').stdout).toContain('began');
    expect(overload(...options, '--above', '10', '--below', '4').stdout).toBe('');
    expect(overload(...options, '--above', '10', '--below', '5').stdout).toContain('ended');
    // With only one given, the other follows it.
    expect(overload(...options, '--above', '3').stdout).toContain('began');
    queue(2);
    expect(overload(...options, '--above', '3').stdout).toContain('ended');
    const load = ['--load-above', '0', '--load-below', '0', '--verbose'];
    expect(overload(...options, ...load).stdout).toMatch(/2 messages, load \d+\.\d\d/);
  });

  test('takes other values from a configuration, which may be broken or absent', () => {
    const site = mailSite();
    const conf = join(site.directory, 'rater.conf');
    writeFileSync(conf, configuration(site));
    site.queue(11);
    expect(site.overload('-c', conf, 'overload').stdout).toContain('overload began: 11 messages');
    site.queue(4);
    expect(site.overload('-c', conf, 'overload').stdout).toContain('overload ended: 4 messages');
    writeFileSync(conf, 'overload : { nonsense: 1; };');
    expect(site.overload('-c', conf, ...site.options)).toMatchObject({ status: 100, stdout: '' });
    expect(site.overload('-c', `${conf}.none`, ...site.options)).toMatchObject({ status: 100 });
  });

  test.each([
    [['--above', 'many'], '--above: not a number: many'],
    [['--load-above', '-1'], '--load-above: not a number: -1'],
    [['--above', '5', '--below', '6'], '--below must not be more than --above'],
    [['--load-below', '6'], '--load-below is of no use without --load-above'],
    [['--load-above', '1', '--load-below', '6'], '--load-below must not be more than'],
    [['--watch', '0'], 'not a time between 1s and 1d: 0;'],
    [['--watch', '25h'], 'not a time between 1s and 1d: 25h;'],
    [['--watch', ''], 'not a time between 1s and 1d: "";'],
    [['--above', ''], '--above: not a number: ""'],
    [['--load-above', ''], '--load-above: not a number: ""'],
    [['--file', ''], '--file: must not be empty'],
    [['--command', ''], '--command: must not be empty'],
  ])('%j is wrong usage', (words, sentence) => {
    const { file, queue, options, overload } = mailSite();
    queue(1000);
    const { status, stderr } = overload(...options, ...words);
    expect({ status, stderr }).toEqual({
      status: 100,
      stderr: expect.stringContaining(`ipthrottle: error: wrong usage: ${sentence}`),
    });
    expect(existsSync(file)).toBe(false);
  });

  test('a queue that cannot be measured is a temporary failure and changes nothing', () => {
    const { file, queue, options, overload } = mailSite();
    writeFileSync(file, '');
    queue('');
    const failed = overload('overload', '--command', 'exit 7', '--file', file);
    expect(failed).toMatchObject({ status: 111, stdout: '' });
    expect(failed.stderr).toMatch(/^ipthrottle: error: queue not measured: .*\n$/);
    const without = overload(...options.slice(0, 1), '--file', file);
    expect(without).toMatchObject({ status: 111 });
    expect(without.stderr).toContain('/var/qmail/bin/qmail-qstat');
    expect(existsSync(file)).toBe(true);
  });

  test('--watch goes on, and tells each change', async () => {
    const { file, queue, options, countLooks } = mailSite();
    queue(101);
    const command = [join(programs, 'ipthrottle'), ...options, '--watch', '1s'];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill());
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes) => {
        said += bytes;
      });
    }
    await until('the overload', () => said.includes('overload began: 101 messages'));
    queue('');
    const before = countLooks();
    await until('two more looks', () => countLooks() >= before + 2);
    queue(3);
    await until('the end', () => said.includes('overload ended: 3 messages'));
    expect(existsSync(file)).toBe(false);
    queue(500);
    await until('it again', () => said.includes('overload began: 500 messages'));
    expect(said.match(/queue not measured/g)).toHaveLength(1);
  });
});

describe('rater', () => {
  test('looks by itself, one look at a time, and logs what changes', async () => {
    const site = mailSite();
    site.queue(11);
    const rater = await startRater(site.directory, configuration(site, 'every: 1;'));
    await rater.says(/rater: warn: overload began: queue="?11 messages/);
    expect(existsSync(site.file)).toBe(true);
    site.queue(5);
    const before = site.countLooks();
    await until('two more looks', () => site.countLooks() >= before + 2);
    expect(existsSync(site.file)).toBe(true);
    site.queue(4);
    await rater.says(/rater: info: overload ended: queue="?4 messages/);
    expect(existsSync(site.file)).toBe(false);
  });

  test('logs a failure once, and the end of it', async () => {
    const site = mailSite();
    site.queue(3);
    const good = readFileSync(site.qstat, 'utf8');
    writeFileSync(site.qstat, good.replace('echo "messages in queue: 900"', 'exit 3'));
    const rater = await startRater(site.directory, configuration(site, 'every: 1;'));
    await rater.says(/trouble: part=overload/);
    const before = site.countLooks();
    await until('two more looks', () => site.countLooks() >= before + 2);
    writeFileSync(site.qstat, good);
    await rater.says(/recovered: part=overload/);
    expect(rater.log().match(/trouble: part=overload/g)).toHaveLength(1);
  });

  test('looks only when configured to, from a SIGHUP on', async () => {
    const site = mailSite();
    site.queue(11);
    const rater = await startRater(site.directory, configuration(site));
    expect(site.countLooks()).toBe(0);
    const text = readFileSync(rater.configFile, 'utf8');
    writeFileSync(rater.configFile, text.replace('below: 5;', 'below: 5; every: 1;'));
    process.kill(rater.pid, 'SIGHUP');
    await rater.says(/overload began/);
    await rater.kill('SIGTERM');
    expect(existsSync(site.file)).toBe(true);
  });

  test('during an overload refuses clients that are not allowlisted, through ratecheck', async () => {
    const site = mailSite();
    const rater = await startRater(site.directory, configuration(site));
    const check = async (address: string) => {
      const command = [builtRatecheck(), '-t', '60000', '-s', rater.socket, '-v', address];
      return (await run([...command, 'echo', 'served'])).stdout;
    };
    expect(await check('192.0.2.1')).toBe('served\n');
    writeFileSync(site.file, '');
    expect(await check('192.0.2.1')).toBe(
      '421 4.7.0 Too many connections from 192.0.2.1, try again later\r\n',
    );
    expect(await check('192.0.2.129')).toBe('served\n');
    await rater.says(/info: .*192\.0\.2\.1.*\boverload\b|info: overload.*192\.0\.2\.1/);
    rmSync(site.file);
    expect(await check('192.0.2.1')).toBe('served\n');
  });
});
