/**
 * It is easy to find where a source is tested: src/ROOM/NAME.ts in test/ROOM/NAME.test.ts, or in a
 * test or contract that says so at its head: `Tests: src/ROOM/NAME.ts, src/...`. A source that holds
 * only types needs no test.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { root } from './manual-page.ts';
import { type SourceFile, sourceFiles } from './source-files.ts';

const sources = [...sourceFiles('src', '.ts'), ...sourceFiles('src', '.c')];
const tests = [...sourceFiles('test', '.test.ts'), ...sourceFiles('test/contract', '.ts')];

/** The first comment of a file. */
function headOf({ text }: SourceFile): string {
  return /^\/\*\*.*?\*\//s.exec(text)?.[0] ?? '';
}

const told = tests.flatMap((file) => {
  const lines = headOf(file).matchAll(/^(?:\/\*\*| \*) Tests: (.*?)(?: \*\/)?$/gm);
  return [...lines].flatMap(([, names = '']) => {
    return names.split(', ').map((name) => ({ file: file.path, name }));
  });
});

function hasCode({ text }: SourceFile): boolean {
  return transformSync(text, { loader: 'ts' }).code !== '';
}

function mirrored(path: string): string {
  return path.replace(/^src/, 'test').replace(/\.\w+$/, '.test.ts');
}

test('every source has a test of its name, or one that names it at its head', () => {
  const named = new Set(told.map(({ name }) => name));
  const untested = sources
    .filter(({ path }) => !named.has(path) && !existsSync(join(root, mirrored(path))))
    .filter(hasCode)
    .map(({ path }) => path);
  expect(untested).toEqual([]);
});

test('sources named at the heads of tests exist, and have no test of their own name', () => {
  const paths = new Set(sources.map(({ path }) => path));
  expect(told.filter(({ name }) => !paths.has(name))).toEqual([]);
  expect(told.filter(({ file, name }) => file === mirrored(name))).toEqual([]);
});
