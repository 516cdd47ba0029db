/**
 * Whether servers obey what is remembered, no more and no less: rows without a file or key, files of
 * ours without a row, rows that are over, a cdb that is not what its source makes.
 *
 * While rater runs, what it was asked a moment ago may be on its way: what differs is looked at
 * again after a rebuild has had its time.
 */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Block } from '../../core/block.ts';
import { type CdbRecord, recordsInCdb } from '../../enforcers/cdb/cdb.ts';
import { type Dialect, ofTcpserver, ofTcpsvd } from '../../enforcers/cdb/dialects.ts';
import { compilePeers } from '../../enforcers/peers/compile-peers.ts';
import { isDeny, peerFileName } from '../../enforcers/peers/peer-file.ts';
import { type PeerFile, peerFilesIn } from '../../enforcers/peers/peer-files.ts';
import { compileRules } from '../../enforcers/tcprules/compile-rules.ts';
import { isIPv6Key, isRefusal, keyOf } from '../../enforcers/tcprules/tcprules.ts';
import { tcprulesTakesIPv6 } from '../../enforcers/tcprules/tcprules-ipv6.ts';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import { readFile } from '../../files/read-file.ts';
import { type Finding, hint, problem, someOf } from '../../health/finding.ts';
import { Fault } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { doNow } from '../../runtime/work.ts';
import type { Check, Installation } from '../check.ts';

const settledMs = 2500;
/** How long a block that is over may wait to be reaped. */
const reapedMs = 10_000;

const putRight = 'restart rater, or while it is down run ipthrottle reap: both put blocks in force';

function overdue(blocks: readonly Block[], nowMs: number): Finding[] {
  const found = blocks.filter(({ untilMs }) => untilMs < nowMs - reapedMs);
  if (found.length === 0) return [];
  const what = `blocks that are over and still there: ${addresses(found)}`;
  return [problem(what, 'ipthrottle reap, and see that rater runs or cron does that')];
}

function addresses(blocks: readonly Block[]): string {
  return someOf(blocks.map(({ address }) => address.text));
}

function names(files: readonly PeerFile[]): string {
  return someOf(files.map(({ name }) => quoted(name)));
}

function isNameFree(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

function inDirectory(
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
    // One that is left over refuses as well, and is told as such.
    if (name === undefined || ofBlocks.has(name) || left.has(name)) continue;
    const file = taken.get(name);
    if (!file) (isNameFree(join(directory, name)) ? missing : barred).push(block);
    else if (!isDeny(file.stats)) overruled.push(block);
  }
  const found: Finding[] = [];
  if (missing.length > 0) {
    found.push(problem(`blocks without a file in ${directory}: ${addresses(missing)}`, putRight));
  }
  if (barred.length > 0) {
    const what = `what is no file stands in ${directory} where blocks have theirs: ${addresses(barred)}`;
    found.push(problem(what, 'remove it or the blocks; rater refuses there by itself meanwhile'));
  }
  if (overruled.length > 0) {
    const what = `a file of your own in ${directory} lets in who is blocked: ${addresses(overruled)}`;
    found.push(hint(what, 'remove the file or the block; rater refuses there by itself meanwhile'));
  }
  if (leftOver.length > 0) {
    const what = `files of ipthrottle in ${directory} that fit no block: ${names(leftOver)}`;
    const remedy = 'start rater, which makes blocks of them again or removes what is over';
    found.push(
      problem(what, `${remedy}; what it leaves has a changed date: rm it in ${directory}`),
    );
  }
  return found;
}

type Data = ReadonlyMap<string, string>;

/** Of records with one key, servers find the first. */
function dataOf(bytes: Uint8Array, dialect: Dialect): Data | undefined {
  const data = new Map<string, string>();
  for (const record of recordsInCdb(bytes)) {
    if (!dialect.speaks(record)) return undefined;
    const [key, value] = record.map((part) => Buffer.from(part).toString('latin1')) as [
      string,
      string,
    ];
    if (!data.has(key)) data.set(key, value);
  }
  return data;
}

type Compiled = {
  readonly dialect: Dialect;
  readonly cdb: string;
  readonly source: string;
  /** What the file should hold. @throws Fault */
  readonly wanted: () => Uint8Array;
  readonly refuses: (data: CdbRecord[1]) => boolean;
  /** The keys of blocks. */
  readonly keys: ReadonlySet<string>;
};

/** A cdb or source that is of no use is for other checks to tell. */
function wholeOf(dialect: Dialect, read: () => Uint8Array): Data | undefined {
  try {
    return dataOf(read(), dialect);
  } catch (error) {
    if (error instanceof RangeError || error instanceof Fault) return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function inCdb({ dialect, cdb, source, wanted, refuses, keys }: Compiled): Finding[] {
  const real = wholeOf(dialect, () => readFile(cdb));
  const right = real && wholeOf(dialect, wanted);
  if (!real || !right) return [];
  const differing = [...right.keys()].filter((key) => real.get(key) !== right.get(key));
  const extra = [...real].filter(([key]) => !right.has(key));
  const kept = extra.filter(([, data]) => refuses(Buffer.from(data, 'latin1'))).map(([key]) => key);
  const found: Finding[] = [];
  const missing = differing.filter((key) => keys.has(key));
  if (missing.length > 0) {
    const what = `blocks that are not in ${cdb}: ${someOf(missing.map(quoted))}`;
    found.push(problem(what, putRight));
  }
  if (kept.length > 0) {
    const what = `${cdb} refuses what neither a block nor ${source} does: ${someOf(kept.map(quoted))}`;
    found.push(problem(what, putRight));
  }
  if (found.length === 0 && differing.length + extra.length > 0) {
    const what = `${cdb} is not what ${source} and the blocks make`;
    found.push(problem(what, `${putRight}, and compile it again; let nothing else write it`));
  }
  return found;
}

function ofPeersCdb({ blocking }: Installation['config'], current: readonly Block[]): Finding[] {
  const { peers } = blocking;
  if (peers?.cdb === undefined) return [];
  const keys = new Set(current.flatMap(({ address }) => peerFileName(address) ?? []));
  return inCdb({
    dialect: ofTcpsvd,
    cdb: peers.cdb,
    source: peers.directory,
    wanted: () => doNow(compilePeers(peers.directory)),
    refuses: (data) => 'DX'.includes(String.fromCharCode(data.at(-1) ?? 0)),
    keys,
  });
}

function ofTcprulesCdb({ blocking }: Installation['config'], current: readonly Block[]): Finding[] {
  const { tcprules, mode, message } = blocking;
  if (!tcprules) return [];
  const all = current.flatMap(({ address }) => keyOf(address) ?? []);
  const isPossible = all.some(isIPv6Key) && tcprulesTakesIPv6(tcprules.source);
  const keys = new Set(all.filter((key) => isPossible || !isIPv6Key(key)));
  return inPrivateDirectory((directory) => {
    const files = {
      source: tcprules.source,
      cdb: join(directory, 'cdb'),
      message: mode === 'polite' ? message : undefined,
    };
    const wanted = () => doNow(compileRules(files, [...keys]));
    return inCdb({ ...tcprules, dialect: ofTcpserver, wanted, refuses: isRefusal, keys });
  });
}

function compare({ config, clock }: Installation, blocks: readonly Block[]): Finding[] {
  const nowMs = clock.wallMs();
  const current = blocks.filter(({ untilMs }) => untilMs > nowMs);
  const { peers } = config.blocking;
  return [
    ...overdue(blocks, nowMs),
    ...(peers ? inDirectory(peers.directory, blocks, current) : []),
    ...ofPeersCdb(config, current),
    ...ofTcprulesCdb(config, current),
  ];
}

export const drift: Check = {
  name: 'drift',
  looksAt: 'what the servers are told',
  async run(site) {
    const { remembered: memory, daemon } = site;
    if ('unknown' in memory) return [];
    const found = compare(site, memory.blocks);
    if (found.length === 0 || daemon.is !== 'running') return found;
    await pause(settledMs);
    const settled = await site.remember();
    return settled ? compare(site, settled.blocks) : found;
  },
};
