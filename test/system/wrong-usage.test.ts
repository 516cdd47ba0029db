/**
 * Wrong usage of rater and ipthrottle: one line that names the program and what is wrong.
 *
 * Tests: src/cli/ipthrottle.ts, src/runtime/program.ts
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../docs/manual-page.ts';

test.each([
  ['rater', [], "required option '-c, --config <file>' not specified"],
  ['rater', ['-c', 'a', 'b'], 'too many arguments. Expected 0 arguments but got 1.'],
  ['ipthrottle', ['frobnicate'], 'no such command: frobnicate'],
  ['ipthrottle', ['lst'], 'no such command: lst; did you mean list?'],
  [
    'ipthrottle',
    ['list', '\u001b[2J\nx'],
    expect.stringContaining("too many arguments for 'list'"),
  ],
  ['ipthrottle', ['list', '--\u001b[2J\nx'], "unknown option '--\\u001b[2J x'"],
  ['ipthrottle', ['block'], "missing required argument 'address'"],
  ['ipthrottle', ['doctor', '--probe', ''], '--probe: not an address in 127.0.0.0/8: ""'],
])('%s %j', (program, args, what) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bin', program), ...args],
    { encoding: 'utf8' },
  );
  const [, said] = new RegExp(`^${program}: error: wrong usage: (.*)\n$`).exec(stderr) ?? [];
  expect({ status, stdout, said }).toEqual({ status: 100, stdout: '', said: what });
});
