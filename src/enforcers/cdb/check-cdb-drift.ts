/** Whether a cdb refuses exactly the clients that are blocked or that its source refuses. */
import { readFile } from '../../files/read-file.ts';
import { type Finding, problem, someOf } from '../../health/finding.ts';
import { Fault } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { recordsInCdb, textOf } from './cdb.ts';
import type { Dialect } from './dialects.ts';

export const putRight =
  'restart rater, or while it is down run ipthrottle reap: both put blocks in force';

export type CdbToCheck = {
  readonly dialect: Dialect;
  readonly cdb: string;
  readonly source: string;
  /** What the file should hold. @throws Fault */
  readonly wanted: () => Uint8Array;
  /** `data` is Latin-1. */
  readonly refuses: (data: string) => boolean;
  /** The keys of blocks. */
  readonly keys: ReadonlySet<string>;
};

export function checkCdbDrift(checked: CdbToCheck): Finding[] {
  const { dialect, cdb, source, wanted, refuses, keys } = checked;
  const real = wholeOf(dialect, () => readFile(cdb));
  const right = real && wholeOf(dialect, wanted);
  if (!real || !right) return [];
  const differing = [...right.keys()].filter((key) => real.get(key) !== right.get(key));
  const extra = [...real].filter(([key]) => !right.has(key));
  const isKept = ([, data]: readonly [string, string]) => refuses(data);
  const kept = extra.filter(isKept).map(([key]) => key);
  const merged = extra.filter((record) => !isKept(record)).map(([key]) => key);
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
  if (merged.length > 0) {
    const what = `${cdb} has entries that ${source} has not: ${someOf(merged.map(quoted))}`;
    const remedy = `${putRight}, and they are gone; have what adds them add them to ${source}`;
    found.push(problem(what, remedy));
  }
  if (found.length === 0 && differing.length + extra.length > 0) {
    const what = `${cdb} is not what ${source} and the blocks make`;
    found.push(problem(what, `${putRight}, and compile it again; let nothing else write it`));
  }
  return found;
}

type Data = ReadonlyMap<string, string>;

/** Of records with one key, servers find the first. */
function dataOf(bytes: Uint8Array, dialect: Dialect): Data | undefined {
  const data = new Map<string, string>();
  for (const record of recordsInCdb(bytes)) {
    if (!dialect.speaks(record)) return undefined;
    const [key, value] = record.map(textOf) as [string, string];
    if (!data.has(key)) data.set(key, value);
  }
  return data;
}

/** Other checks report a cdb or source that cannot be used. */
function wholeOf(dialect: Dialect, read: () => Uint8Array): Data | undefined {
  try {
    return dataOf(read(), dialect);
  } catch (error) {
    if (error instanceof RangeError || error instanceof Fault) return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
