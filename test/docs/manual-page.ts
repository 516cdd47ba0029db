/**
 * Manual pages as data: enough of mdoc(7) to hold them to the code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const manuals = join(root, 'man');

/** File names in man/, `rater.8` and so on. */
export const pageNames: readonly string[] = readdirSync(manuals).sort();

export class ManualPage {
  readonly name: string;
  readonly lines: readonly string[];

  constructor(name: string) {
    this.name = name;
    this.lines = readFileSync(join(manuals, name), 'utf8').split('\n');
  }

  get sections(): string[] {
    return this.lines.flatMap((line) => (line.startsWith('.Sh ') ? [line.slice(4)] : []));
  }

  /** The lines of a section, its subsections included. */
  section(title: string): string[] {
    const start = this.lines.indexOf(`.Sh ${title}`);
    if (start < 0) return [];
    const rest = this.lines.slice(start + 1);
    const end = rest.findIndex((line) => line.startsWith('.Sh '));
    return end < 0 ? rest : rest.slice(0, end);
  }

  /** What follows `.It` on the item lines of a section. */
  items(title: string): string[] {
    return this.section(title).flatMap((line) => (line.startsWith('.It ') ? [line.slice(4)] : []));
  }

  /** The words after each `macro` anywhere in the page, punctuation left out. */
  wordsAfter(macro: string): string[] {
    return this.lines.flatMap((line) => {
      const words = line.replace(/^\./, '').replaceAll(/\\&/g, '').split(' ');
      const at = words.indexOf(macro);
      if (at < 0 || !line.startsWith('.')) return [];
      const rest = words.slice(at + 1);
      const end = rest.findIndex((word) => /^[A-Z][a-z]$/.test(word));
      return (end < 0 ? rest : rest.slice(0, end)).filter((word) => /\w/.test(word));
    });
  }

  /** The text as a person reads it, roughly: without macros at the start of lines. */
  get text(): string {
    return this.lines.map((line) => line.replace(/^\.[A-Z][a-z] /, '')).join('\n');
  }
}

export const pages: readonly ManualPage[] = pageNames.map((name) => new ManualPage(name));

export function page(name: string): ManualPage {
  return new ManualPage(name);
}

/** The options in an item or a SYNOPSIS line: `-c`, `--config`. */
export function optionsIn(line: string): string[] {
  return [...line.matchAll(/\bFl (\S+)/g)].map(([, flag]) => `-${flag}`);
}
