/**
 * Which files a server looks clients up in, as its command names them, so that they can be compared
 * with those that rater writes.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProbedServer } from '../enforcers/enforcer-kind.ts';
import { quoted } from '../runtime/log.ts';
import { parse, type ServerCommand } from './server-commands.ts';

/** `-i /etc/ipsvd/smtp/peers`. */
export type Use = { readonly option: string; readonly path: string };

/** The files of a server that the command names; undefined: what it names cannot be told. */
export function usedBy({ options, directory }: ServerCommand): Use[] | undefined {
  const used = usesIn(options);
  const isUnknown = used.some(({ path }) => {
    return path.includes('$') || (!path.startsWith('/') && directory === undefined);
  });
  if (isUnknown) return undefined;
  return used.map(({ option, path }) => ({ option, path: resolve(directory ?? '/', path) }));
}

function usesIn(options: ReadonlyMap<string, string>): Use[] {
  return ['i', 'x'].flatMap((letter) => {
    const path = options.get(letter);
    return path === undefined ? [] : [{ option: `-${letter}`, path }];
  });
}

/** What rater writes for the server. */
export function usedByOurs({ program, options }: ProbedServer): Use[] {
  return usesIn(parse(program, options).options);
}

export function isSame(one: Use, other: Use): boolean {
  return one.option === other.option && real(one.path) === real(other.path);
}

export function shown({ option, path }: Use): string {
  return `${option} ${quoted(path)}`;
}

/** The path behind all links, or itself where there is nothing. */
export function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
