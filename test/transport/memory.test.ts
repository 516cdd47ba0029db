/**
 * Guarantee: whatever clients send and whatever is decided about them, no byte outside of a buffer is
 * touched, no line is lost or answered twice, and who has left is gone. With a build that stops at the
 * first bad access.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { unless } from '../run/unless.ts';

const rounds = 300;
const root = fileURLToPath(new URL('../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-transport-'));
const program = join(directory, 'transport-fuzz');
const sources = [
  'test/soak/transport-fuzz.c',
  'src/transport/transport.c',
  'src/transport/datagrams.c',
].map((path) => join(root, path));

afterAll(() => rmSync(directory, { recursive: true }));

/** Why there is no program with sanitizers, or undefined. */
function compile(): string | undefined {
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const strict = ['-Wall', '-Wextra', '-Werror', '-g', '-O1', `-I${join(root, 'src/transport')}`];
  const { status } = spawnSync('cc', [...sanitize, ...strict, '-o', program, ...sources]);
  const runs = status === 0 && spawnSync(program, [directory, '0', '1']).status === 0;
  return runs ? undefined : 'not usable: sanitizers';
}

test.for([1, 2, 3])('with chance number %i', unless(compile()), (seed) => {
  const args = [directory, String(rounds), String(seed)];
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
