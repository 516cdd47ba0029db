/**
 * Vitest's global `onTestFinished` registers with the test that was started last. So where tests run
 * beside each other, the end of one would clear away what others still use.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const tests = fileURLToPath(new URL('..', import.meta.url));

/** The file and all below test/ that it imports, directly or not. */
function withImports(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+)';$/gm)) {
    const imported = join(dirname(file), path);
    if (imported.startsWith(tests)) withImports(imported, seen);
  }
  return seen;
}

const concurrent = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join(tests, name))
  .filter((file) => /^\s*(test|describe)\.concurrent\b/m.test(readFileSync(file, 'utf8')));

test.each(concurrent)('%s clears away by the onTestFinished of its tests', (file) => {
  const global = [...withImports(file)].filter((each) => {
    return /^import \{[^}]*\bonTestFinished\b[^}]*\} from 'vitest';$/m.test(
      readFileSync(each, 'utf8'),
    );
  });
  expect(global).toEqual([]);
});
