/**
 * What `ipthrottle help` prints fits a terminal.
 *
 * Tests: src/cli/ipthrottle.ts
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cliCommands } from '../../src/cli/cli-commands.ts';
import { root } from '../docs/manual-page.ts';

test('it has every command, those of each day in front, and no line is longer than 80 characters', () => {
  const arguments_ = [join(root, 'bin/ipthrottle'), 'help'];
  const { status, stdout } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  expect(status).toBe(0);
  const [, list = ''] = stdout.split('\nCommands:\n');
  const names = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
  expect(names).toEqual([...cliCommands.map(({ name }) => name), 'help']);
  expect(names.slice(0, 4)).toEqual(['top', 'list', 'check', 'history']);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
