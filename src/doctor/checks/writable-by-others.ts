/** Finds directories of ours in which every user of this host may write. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { othersWrite, sticky } from '../../files/mode-bits.ts';
import { type Finding, hint, problem } from '../../health/finding.ts';
import type { Installation } from '../check.ts';

function mayOthersWrite(path: string): { readonly isSticky: boolean } | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return mode & othersWrite ? { isSticky: (mode & sticky) !== 0 } : undefined;
}

/** Directories of files that only rater or the servers should write. */
function privateDirectories({ config, enforcers }: Installation): Set<string> {
  const { socket, controlSocket, dbPath, log } = config.settings;
  const files = [
    ...[socket, controlSocket],
    ...(dbPath === ':memory:' ? [] : [dbPath]),
    ...(log === undefined ? [] : [log]),
    ...enforcers.flatMap(({ files }) => files),
  ];
  return new Set(files.map((file) => dirname(file)));
}

export function writableByOthers(site: Installation): Finding[] {
  const found: Finding[] = [];
  for (const { path, power } of site.enforcers.flatMap(({ directories }) => directories)) {
    if (!mayOthersWrite(path)) continue;
    const what = `every user of this host may write in ${path}, and so ${power}`;
    found.push(problem(what, `chmod o-w ${path}`));
  }
  for (const path of privateDirectories(site)) {
    const open = mayOthersWrite(path);
    if (!open) continue;
    const whose = `every user of this host may write in ${path}`;
    const elsewhere = 'name another directory in the configuration';
    if (open.isSticky) {
      found.push(hint(`${whose}, and take a name before rater does, so that it fails`, elsewhere));
    } else found.push(problem(`${whose}, and replace the files of rater`, `chmod o-w ${path}`));
  }
  return found;
}
