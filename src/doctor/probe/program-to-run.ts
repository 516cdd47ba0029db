/**
 * The program that a command of a server names, if it may be run: a process can claim to be any
 * program, and the probe mostly is root's.
 *
 * Guarantee: what is run is called tcpsvd or tcpserver, links followed, and nobody but root and the
 * caller could have put it there, as far as owners, groups and permission bits tell.
 */
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { groupWrite, othersWrite, sticky } from '../../files/mode-bits.ts';
import { errnoOf, reasonOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { programIn } from '../../runtime/program-in.ts';
import { hasOtherMembers } from '../members.ts';

export type ProgramToRun = { readonly path: string } | { readonly why: string };

/** `word` is the program as the command names it: only an absolute path says more than its name. */
export function programToRun(word: string, searchPath: string): ProgramToRun {
  const program = basename(word);
  if (!word.startsWith('/')) {
    const path = programIn(searchPath, program);
    return path === undefined ? { why: `${program} is not in PATH` } : { path };
  }
  try {
    const path = realpathSync(word);
    if (basename(path) !== program) return { why: `${quoted(word)} leads to ${quoted(path)}` };
    if (!statSync(path).isFile()) return { why: `${quoted(word)} is no file` };
    accessSync(path, constants.X_OK);
    const folder = dirname(path);
    const loose = [path, folder].find(mayOthersChange) ?? above(folder).find(mayOthersReplace);
    if (loose === undefined) return { path };
    return { why: `${quoted(word)} is not run, because others may change ${quoted(loose)}` };
  } catch (error) {
    return { why: `cannot run ${quoted(word)}: ${errnoOf(error) ?? reasonOf(error)}` };
  }
}

function above(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...above(parent)];
}

function mayOthersChange(path: string): boolean {
  const stats = statSync(path);
  return isOfOthers(stats) || (stats.mode & othersWrite) !== 0 || mayOthersOfGroup(stats);
}

/** Whether they may replace a directory in this one. In /tmp and the like only their own. */
function mayOthersReplace(path: string): boolean {
  const stats = statSync(path);
  return stats.mode & sticky ? isOfOthers(stats) : mayOthersChange(path);
}

function isOfOthers({ uid }: Stats): boolean {
  return uid !== 0 && uid !== process.geteuid?.();
}

function mayOthersOfGroup({ mode, gid, uid }: Stats): boolean {
  return (mode & groupWrite) !== 0 && hasOtherMembers(gid, uid) !== false;
}
