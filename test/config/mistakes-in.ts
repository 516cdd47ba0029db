/**
 * Checks configuration text in a directory of its own.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type ConfigNode, type GroupNode, parseLibconfig } from '../../src/config/libconfig.ts';
import { type Checked, checkConfig } from '../../src/config/load-config.ts';
import { Mistakes } from '../../src/config/mistakes.ts';

export const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-config-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Writes `files` (name to content) and returns the path of the first. */
export function written(files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return join(directory, Object.keys(files)[0] ?? '');
}

function withoutDirectory(mistakes: readonly string[]): string[] {
  return mistakes.map((mistake) => mistake.replaceAll(`${directory}/`, ''));
}

/** The tree of `content`, and the mistakes with `c` for the file's path. */
export function parsed(content: string | Uint8Array): { root: GroupNode; mistakes: string[] } {
  const mistakes = new Mistakes();
  const root = parseLibconfig(written({ c: content }), mistakes);
  return { root, mistakes: withoutDirectory(mistakes.lines()) };
}

/** What checkConfig says about the first of `files`; one text is the file `c`. */
export function checked(
  files: string | Readonly<Record<string, string | Uint8Array>>,
): Pick<Checked, 'config' | 'mistakes'> {
  const file = written(typeof files === 'string' ? { c: files } : files);
  const { config, mistakes } = checkConfig(file);
  return { config, mistakes: withoutDirectory(mistakes) };
}

/** A node without its places: groups as objects, lists as arrays, arrays as `{ array }`. */
export function plain(node: ConfigNode): unknown {
  if (node.kind === 'group') {
    return Object.fromEntries([...node.settings].map(([name, { value }]) => [name, plain(value)]));
  }
  if ('items' in node) {
    const items = node.items.map(plain);
    return node.kind === 'list' ? items : { array: items };
  }
  return node.kind === 'broken' ? undefined : node.value;
}
