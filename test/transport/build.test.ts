/** The build of the native transport: where it cannot be built, the rest is built without it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../run/temporary-directory.ts';

const script = fileURLToPath(new URL('../../src/transport/build.sh', import.meta.url));

/** A PATH with all that the script needs except a compiler. */
function pathWithoutCompiler(): string {
  const path = join(temporaryDirectory(), 'tools');
  mkdirSync(path);
  for (const tool of ['dirname', 'mktemp', 'mv', 'rm', 'cat', 'node']) {
    const found = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    symlinkSync(found, join(path, tool));
  }
  return path;
}

describe('build.sh', () => {
  test('says in one line that there is no compiler, and is no failure', () => {
    const file = join(temporaryDirectory(), 'transport.node');
    const env = { PATH: pathWithoutCompiler() };
    const { status, stderr } = spawnSync('/bin/sh', [script, '-o', file], {
      env,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^transport build: warning: not built, .* needs cc and node_api\.h .*\n$/,
    );
    expect({ status, isThere: existsSync(file) }).toEqual({ status: 0, isThere: false });
  });

  test('fails when there is a compiler and the sources do not compile', () => {
    const file = join(temporaryDirectory(), 'transport.node');
    const env = { ...process.env, CC: 'cc', CFLAGS: '-DLINES_H' };
    const { status, stderr } = spawnSync('sh', [script, '-o', file], { env, encoding: 'utf8' });
    expect(stderr).toMatch(/^transport build: fatal: cc cannot compile /m);
    expect({ status, isThere: existsSync(file) }).toEqual({ status: 111, isThere: false });
  });
});
