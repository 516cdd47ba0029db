/**
 * What keeps tcpsvd from searching its directory and, with -t, from removing files there. The user
 * that it runs as is not known here.
 */
import type { Stats } from 'node:fs';
import {
  groupSearch,
  groupWrite,
  othersSearch,
  othersWrite,
  sticky,
} from '../../files/mode-bits.ts';
import { type Finding, hint, problem } from '../../health/finding.ts';

export function directoryObstacles(path: string, stats: Stats, hasTimeout: boolean): Finding[] {
  return [...ofSearch(path, stats), ...(hasTimeout ? ofRemoval(path, stats) : [])];
}

function ofSearch(path: string, { mode }: Stats): Finding[] {
  if (mode & othersSearch) return [];
  const what = `${path} is closed to other users: a tcpsvd that runs as one drops every client`;
  const remedy = `chmod o+rx ${path}`;
  return [
    mode & groupSearch ? hint(`${what}, unless it is in the group`, remedy) : problem(what, remedy),
  ];
}

/** tcpsvd -t removes the files of blocks that are over. */
function ofRemoval(path: string, { mode, uid }: Stats): Finding[] {
  const isOpen = (mode & (othersWrite | groupWrite)) !== 0 && (mode & sticky) === 0;
  if (isOpen) return [];
  const what = `only uid ${uid} and root may remove files in ${path}; a tcpsvd -t that runs as another user`;
  const remedy = `see that it may: su -s /bin/sh -c 'test -w ${path}' USER`;
  return [
    hint(
      `${what} warns at each connection of a client whose block is over, and lets it in`,
      remedy,
    ),
  ];
}
