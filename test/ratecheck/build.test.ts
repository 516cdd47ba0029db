import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { buildScript, newDirectory, ratecheckSource, run } from './programs.ts';

const directory = newDirectory();
afterAll(() => directory.remove());

let count = 0;
let root = '';
let script = '';
let program = '';

beforeEach(() => {
  count += 1;
  root = join(directory.path, `a project ${count}`);
  script = join(root, 'src/ratecheck/build.sh');
  program = join(root, 'bin/ratecheck');
  mkdirSync(dirname(script), { recursive: true });
  copyFileSync(buildScript, script);
  copyFileSync(ratecheckSource, join(dirname(script), 'ratecheck.c'));
  writeFileSync(join(root, 'package.json'), '{\n  "name": "x",\n  "version": "1.2.3-rc.4"\n}\n');
});

/** A PATH with everything that build.sh needs except a compiler, and `more`. */
async function pathWithoutCompiler(...more: string[]): Promise<string> {
  const path = join(root, 'tools');
  mkdirSync(path);
  const tools = ['cat', 'dirname', 'find', 'head', 'mkdir', 'mktemp', 'mv', 'rm', 'sed'];
  for (const tool of [...tools, ...more]) {
    const { stdout } = await run(['sh', '-c', `command -v ${tool}`]);
    symlinkSync(stdout.trim(), join(path, tool));
  }
  return path;
}

/** The program headers of a 64-bit ELF file. */
function segments(path: string) {
  const elf = readFileSync(path);
  const start = Number(elf.readBigUInt64LE(32));
  return Array.from({ length: elf.readUInt16LE(56) }, (_, n) => {
    const header = elf.subarray(start + 56 * n, start + 56 * (n + 1));
    const [type, flags] = [header.readUInt32LE(0), header.readUInt32LE(4)];
    const access = ['x', 'w', 'r'].filter((_letter, bit) => flags & (1 << bit)).join('');
    return { type, access, bytes: Number(header.readBigUInt64LE(40)) };
  });
}
const segmentTypes = { load: 1, interpreter: 3, stack: 0x6474e551 } as const;

describe('build.sh', () => {
  test('puts the version of package.json into the program', async () => {
    expect(await run(['sh', script])).toMatchObject({ status: 0 });
    expect((await run([program, '-V'])).stdout).toBe('ratecheck 1.2.3-rc.4\n');
  });

  test('leaves a program that is newer than its source alone, unless forced', async () => {
    await run(['sh', script]);
    const built = statSync(program).ino;
    expect(await run(['sh', script])).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(program).ino).toBe(built);
    expect((await run(['sh', script, '-f'])).stderr).toMatch(/^ratecheck build: built /);
  });

  test.each([
    ['-s', ['-s', '/a/b.sock'], {}],
    ['DEFAULT_SOCKET', [], { DEFAULT_SOCKET: '/a/b.sock' }],
  ])(
    'takes the compiled default socket from %s, even when a program is there',
    async (_, args, env) => {
      await run(['sh', script]);
      const standard = await run([program, '-n', 'ip', 'x']);
      expect(standard.stderr).toContain(' /run/ipthrottle/rater.sock: ');
      await run(['sh', script, ...args], { env });
      const changed = await run([program, '-n', 'ip', 'x']);
      expect(changed.stderr).toContain('cannot connect to /a/b.sock: ');
    },
  );

  test('refuses a socket path that would need quoting', async () => {
    const outcome = await run(['sh', script, '-s', '/a"b']);
    expect(outcome).toMatchObject({ status: 100 });
    expect(outcome.stderr).toMatch(/^ratecheck build: fatal: wrong usage: .*\n$/);
  });

  test(
    'with musl-gcc, few pages are touched and none is written and run',
    unless(missing('musl-gcc')),
    async () => {
      await run(['sh', script]);
      const found = segments(program);
      const ofType = (type: number) => found.filter((segment) => segment.type === type);
      const loaded = ofType(segmentTypes.load);
      expect(loaded.map(({ access }) => access)).toEqual(['xr', 'wr']);
      expect(loaded[1]?.bytes).toBeLessThanOrEqual(4096);
      expect(ofType(segmentTypes.stack)).toMatchObject([{ access: 'wr' }]);
      expect(ofType(segmentTypes.interpreter)).toEqual([]);
    },
  );

  test('without any compiler says what is missing and exits 0', async () => {
    const outcome = await run(['/bin/sh', script], { env: { PATH: await pathWithoutCompiler() } });
    expect(outcome).toMatchObject({ status: 0, stdout: '' });
    expect(outcome.stderr).toContain('bin/ratecheck was not built: no working C compiler');
    expect(outcome.stderr).toContain('musl-tools');
    expect(existsSync(program)).toBe(false);
  });

  test('without musl-gcc takes another compiler and says what would be better', async () => {
    const PATH = await pathWithoutCompiler('cc', 'as', 'ld');
    const outcome = await run(['/bin/sh', script], { env: { PATH } });
    expect(outcome).toMatchObject({ status: 0 });
    expect(outcome.stderr).toMatch(/ with cc -static\n.* musl-gcc .*apt-get install musl-tools/);
  });

  test('uses CC and CFLAGS, and nothing else when CC does not work', async () => {
    const marked = await run(['sh', script], { env: { CC: 'cc', CFLAGS: '-O1' } });
    expect(marked.stderr).toContain(' with cc');
    const outcome = await run(['sh', script, '-f'], { env: { CC: 'no-such-compiler' } });
    expect(outcome).toMatchObject({ status: 0 });
    expect(outcome.stderr).toContain('no working C compiler (no-such-compiler)');
  });

  test('a source that does not compile is an error', async () => {
    writeFileSync(join(dirname(script), 'ratecheck.c'), 'int main(void) { return x; }\n');
    expect(await run(['sh', script])).toMatchObject({ status: 111 });
    expect(existsSync(program)).toBe(false);
  });
});

describe('the source compiles without a warning', () => {
  const strict = ['-O2', '-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wconversion', '-pedantic'];
  for (const compiler of ['musl-gcc', 'gcc', 'clang']) {
    test(`with ${compiler}`, unless(missing(compiler)), async () => {
      const output = join(root, 'checked');
      const command = [compiler, '-static', ...strict, '-o', output, ratecheckSource];
      expect(await run(command)).toMatchObject({ status: 0, stderr: '' });
    });
  }
});
