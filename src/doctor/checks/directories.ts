/**
 * Whether the servers' directories exist, rater's user may write in them, and the server may search
 * them and, with -t, remove files there; whether rater's own directories exist; and whether any of
 * them is open to every user.
 *
 * Only owner, groups and permission bits are examined, not access lists or read-only mounts.
 */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Finding, problem } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';
import { daemonUser, mayChange } from '../owner.ts';
import { writableByOthers } from './writable-by-others.ts';

function ofWritten(site: Installation, path: string, stats: Stats | undefined): Finding[] {
  if (!stats?.isDirectory()) {
    const what = stats ? `${path} is not a directory` : `there is no directory ${path}`;
    return [problem(`${what}: every client is dropped`, `create it: install -d -m 0755 ${path}`)];
  }
  const user = daemonUser(site.config);
  if (!user || mayChange(user, stats)) return [];
  const what = `the user of rater (uid ${user.uid}) may not write in ${path}, so blocks are not in force`;
  return [problem(what, `chown ${user.uid} ${path}`)];
}

/** The directories of rater's sockets and database. */
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
    const found: Finding[] = [];
    for (const { path, obstacles } of site.enforcers.flatMap((each) => each.directories)) {
      const stats = statSync(path, { throwIfNoEntry: false });
      found.push(...ofWritten(site, path, stats));
      if (stats?.isDirectory()) found.push(...obstacles(stats));
    }
    const files = site.enforcers.flatMap((each) => each.files);
    for (const path of new Set(files.map((file) => dirname(file)))) {
      found.push(...ofWritten(site, path, statSync(path, { throwIfNoEntry: false })));
    }
    return [...found, ...ofOwn(site), ...writableByOthers(site)];
  },
};
