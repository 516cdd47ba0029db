/**
 * The directories in which rater writes for the servers: that they are there, that its user may
 * write in them, that the server may look into them and, with -t, remove from them. And of all in
 * which it writes, that it can start with them and that not everybody may write.
 *
 * It goes by owner, groups and permission bits: access lists and read-only mounts it does not see.
 */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Finding, hint, problem } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';
import { daemonUser, mayChange } from '../owner.ts';
import { writableByOthers } from './writable-by-others.ts';

const othersSearch = 0o001;
const groupSearch = 0o010;
const othersWrite = 0o002;
const groupWrite = 0o020;
const sticky = 0o1000;

function ofWritten(site: Installation, path: string, stats: Stats | undefined): Finding[] {
  if (!stats?.isDirectory()) {
    const what = stats ? `${path} is no directory` : `there is no directory ${path}`;
    return [problem(`${what}: every client is dropped`, `create it: install -d -m 0755 ${path}`)];
  }
  const user = daemonUser(site.config);
  if (!user || mayChange(user, stats)) return [];
  const what = `the user of rater (uid ${user.uid}) may not write in ${path}, so blocks are not in force`;
  return [problem(what, `chown ${user.uid} ${path}`)];
}

function ofSearch(path: string, { mode }: Stats): Finding[] {
  if (mode & othersSearch) return [];
  const what = `${path} is closed to other users: a tcpsvd that runs as one drops every client`;
  const remedy = `chmod o+rx ${path}`;
  return [
    mode & groupSearch ? hint(`${what}, unless it is in the group`, remedy) : problem(what, remedy),
  ];
}

/** Who may remove a file that tcpsvd -t has found to be over; its user is not known here. */
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

/** Those of its sockets and its database. */
function ofOwn({ config }: Installation): Finding[] {
  const { socket, controlSocket, dbPath } = config.settings;
  const files = [socket, controlSocket, ...(dbPath === ':memory:' ? [] : [dbPath])];
  return [...new Set(files.map((file) => dirname(file)))].flatMap((path) => {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
    const what = `there is no directory ${path}: rater cannot start`;
    return [problem(what, `create it for the user of rater: install -d -m 0755 -o USER ${path}`)];
  });
}

export const directories: Check = {
  name: 'directories',
  looksAt: 'the directories of rater and of the servers',
  run(site) {
    const { peers, tcprules } = site.config.blocking;
    const found: Finding[] = [];
    if (peers) {
      const stats = statSync(peers.directory, { throwIfNoEntry: false });
      found.push(...ofWritten(site, peers.directory, stats));
      if (stats?.isDirectory()) {
        found.push(...ofSearch(peers.directory, stats));
        if (peers.timeoutSeconds !== undefined) found.push(...ofRemoval(peers.directory, stats));
      }
    }
    const cdbs = [peers?.cdb, tcprules?.cdb].filter((path) => path !== undefined);
    for (const path of new Set(cdbs.map((cdb) => dirname(cdb)))) {
      found.push(...ofWritten(site, path, statSync(path, { throwIfNoEntry: false })));
    }
    return [...found, ...ofOwn(site), ...writableByOthers(site.config)];
  },
};
