/** Whether tcpsvd refuses blocked clients: what is in the directory and in its cdb. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Block } from '../../core/block.ts';
import { type Finding, hint, problem, someAddresses } from '../../health/finding.ts';
import { doNow } from '../../runtime/work.ts';
import { checkCdbDrift, putRight } from '../cdb/check-cdb-drift.ts';
import { ofTcpsvd } from '../cdb/dialects.ts';
import { compilePeers } from './compile-peers.ts';
import { isDeny, peerFileName } from './peer-file.ts';
import { peerFilesIn, someNames } from './peer-files.ts';

/** `all` are the remembered blocks, `current` those that are not over. */
export function checkPeersDrift(
  directory: string,
  all: readonly Block[],
  current: readonly Block[],
): Finding[] {
  const { ofBlocks, leftOver, admins } = peerFilesIn(directory, all);
  const taken = new Map(admins.map((file) => [file.name, file]));
  const left = new Set(leftOver.map(({ name }) => name));
  const [missing, overruled, barred]: [Block[], Block[], Block[]] = [[], [], []];
  for (const block of current) {
    const name = peerFileName(block.address);
    // A file that is left over refuses as well, and is reported below.
    if (name === undefined || ofBlocks.has(name) || left.has(name)) continue;
    const file = taken.get(name);
    if (!file) (isNameFree(join(directory, name)) ? missing : barred).push(block);
    else if (!isDeny(file.stats)) overruled.push(block);
  }
  const found: Finding[] = [];
  if (missing.length > 0) {
    found.push(
      problem(`blocks without a file in ${directory}: ${someAddresses(missing)}`, putRight),
    );
  }
  if (barred.length > 0) {
    const what = `something that is not a file is in ${directory} where blocks have theirs`;
    const remedy = 'remove it or the blocks; meanwhile rater refuses them itself';
    found.push(problem(`${what}: ${someAddresses(barred)}`, remedy));
  }
  if (overruled.length > 0) {
    const what = `a file of your own in ${directory} lets blocked clients in`;
    const remedy = 'remove the file or the block; meanwhile rater refuses them itself';
    found.push(hint(`${what}: ${someAddresses(overruled)}`, remedy));
  }
  if (leftOver.length > 0) {
    const what = `files of ipthrottle in ${directory} that belong to no block: ${someNames(leftOver)}`;
    const remedy = 'start rater, which makes blocks of them again or removes what is over';
    found.push(
      problem(what, `${remedy}; what it leaves has a changed date: rm it in ${directory}`),
    );
  }
  return found;
}

export function checkPeersCdbDrift(
  directory: string,
  cdb: string,
  current: readonly Block[],
): Finding[] {
  return checkCdbDrift({
    dialect: ofTcpsvd,
    cdb,
    source: directory,
    wanted: () => doNow(compilePeers(directory)),
    refuses: (data) => 'DX'.includes(data.at(-1) ?? '\0'),
    keys: new Set(current.flatMap(({ address }) => peerFileName(address) ?? [])),
  });
}

function isNameFree(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}
