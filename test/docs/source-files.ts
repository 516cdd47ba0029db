/** The sources of the programs, for tests that read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './manual-page.ts';

export type SourceFile = { readonly path: string; readonly text: string };

/** The files below `folder`, relative to the project's directory, that end in `ending`. */
export function sourceFiles(folder: string, ending: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: path.slice(root.length), text: readFileSync(path, 'utf8') }));
}

/** What the first group of `pattern` matches in the files, each text once, sorted. */
export function foundIn(files: readonly SourceFile[], pattern: RegExp): string[] {
  const found = files.flatMap(({ text }) => [...text.matchAll(pattern)].map((match) => match[1]));
  return [...new Set(found.filter((text) => text !== undefined))].sort();
}
