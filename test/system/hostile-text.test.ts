/**
 * Text written by others, wherever it comes out again, controls no terminal and makes no line of
 * its own, in every form of the log and in the output of commands.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { ask } from './line-client.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

/** Escape sequences in 7 and 8 bits, line ends of every kind, and what turns the writing. */
const hostile = 'a\u001b[2J\u009b1m\u0085\u2028\u2029\r\u202e\u2066\u{e0041}\u007f\u0007z';
const harmful = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

let site: Site;

afterEach(() => site.stop());

function isHarmless(text: string): void {
  expect(text).not.toBe('');
  expect(harmful.exec(text)?.[0]).toBeUndefined();
  expect(text).not.toMatch(/^forged/m);
}

function say(...lines: (string | Uint8Array)[]): Promise<string> {
  return ask({ path: site.path('rater.sock') }, lines);
}

describe.each(['plain', 'json', 'human'])('a log that is %s', (format) => {
  test('has a line for each event, whatever was sent', async () => {
    const settings = `log_level: 4; log: "log"; log_format: "${format}";`;
    site = new Site({ limits: 'ip: ( ("*", 60, 1) ); user: ( ("*", 60, 0) );', settings });
    site.spawnRater();
    const log = () => (existsSync(site.path('log')) ? readFileSync(site.path('log'), 'utf8') : '');
    await until('rater has begun', () => log().includes('all in force'));
    const before = log().split('\n').length;
    const invalid = Buffer.from('user \xff\xfe\x9b2J\n', 'latin1');
    const replies = await say(`user ${hostile}\nip ${hostile}\n${hostile} x\n`, invalid);
    isHarmless(replies.replaceAll('\r\n', '\n'));
    expect(replies.match(/\r\n/g)).toHaveLength(4);
    // Colours are our own.
    const text = log().replaceAll('\u001b[2m', '').replaceAll('\u001b[0m', '');
    isHarmless(text);
    // One refusal and its hit; errors are only replied.
    expect(text.split('\n').length - before).toBe(2);
    if (format === 'json') {
      const values = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).value);
      expect(values).toContain(hostile);
    }
  });
});

describe('what commands print', () => {
  /** With a reason and names of files as nobody would give them. */
  async function filled(): Promise<void> {
    site = new Site({ rules: `${hostile}\n:allow\n` });
    await site.startRater();
    const reason = `${hostile}\nforged`;
    for (const words of [['block'], ['allow', 'add']]) {
      const last = words.length;
      const args = [...words, '--reason', reason, `192.0.2.${last}`];
      expect(await site.ipthrottle(...args)).toMatchObject({ exit: 0 });
    }
    writeFileSync(site.path('peers', `${hostile}\nforged`), '+A=1\r\n', { mode: 0o600 });
  }

  test.for([
    ['list'],
    ['list', '--json'],
    ['check', '192.0.2.1'],
    ['check', '--json', '192.0.2.1'],
    ['check', '192.0.2.2'],
    ['allow', 'list'],
    ['allow', 'list', '--json'],
    ['doctor'],
    ['doctor', '--json'],
    ['status'],
    ['check', `${hostile}\nforged`],
    ['unblock', `${hostile}\nforged`],
    ['allow', 'add', '--for', `${hostile}\nforged`, '192.0.2.3'],
    ['help', `${hostile}\nforged`],
    ['var', `${hostile}\nforged`],
    ['log', 'level', `${hostile}\nforged`],
  ])('%j', async (args) => {
    await filled();
    const { stdout, stderr } = await site.ipthrottle(...args);
    isHarmless(stdout + stderr);
    if (args.includes('--json') && args[0] === 'allow') {
      expect(JSON.parse(stdout)[0].reason).toBe(`${hostile}\nforged`);
    }
  });
});
