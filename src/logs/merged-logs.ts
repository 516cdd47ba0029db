/**
 * Several logs as one, by time: each is read in its own order, and the next connection is always that
 * of the log whose next one came first. A log is opened when its time has come, so a rotated set is
 * read one file after the other, however its files are named.
 */
import { LogCursor, type OnTrouble } from './log-cursor.ts';
import { firstMs, type LogSet, taiSecondsOf } from './log-set.ts';
import type { LogTally } from './log-tally.ts';

export type MergeOptions = {
  readonly tally: LogTally;
  /** TAI minus Unix time in TAI64N; undefined: as each log itself tells. */
  readonly taiSeconds: number | undefined;
  /** Called after each piece, with the bytes that were read of all files. */
  readonly onProgress: (bytesRead: number) => void;
  readonly onTrouble: OnTrouble;
};

type Waiting = {
  readonly log: LogSet;
  readonly taiSeconds: number;
  /** When its first connection came; before all when that is not known. */
  readonly startMs: number;
};

/** Gives each connection of the logs to `take`, at which the cursor then is. @throws Fault `logInput` */
export async function mergeLogs(
  logs: readonly LogSet[],
  options: MergeOptions,
  take: (connection: LogCursor) => void,
): Promise<void> {
  const waiting = await inOrder(logs, options.taiSeconds);
  const open: LogCursor[] = [];
  const ended = { bytes: 0 };
  const goOn = async (cursor: LogCursor) => {
    while (!cursor.next()) {
      const hasMore = await cursor.fill();
      options.onProgress(open.reduce((sum, each) => sum + each.bytesRead, ended.bytes));
      if (hasMore) continue;
      open.splice(open.indexOf(cursor), 1);
      ended.bytes += cursor.bytesRead;
      await cursor.close();
      return false;
    }
    return true;
  };
  // Waits only where it must: a promise for each connection would take longer than all else.
  const takeUntil = async (cursor: LogCursor, untilMs: number) => {
    do {
      take(cursor);
      if (!cursor.next() && !(await goOn(cursor))) return;
    } while (cursor.atMs <= untilMs);
  };
  for (;;) {
    let next = earliest(open);
    while (waiting[0] && waiting[0].startMs <= (next?.atMs ?? Number.POSITIVE_INFINITY)) {
      const { log, taiSeconds } = waiting.shift() as Waiting;
      const { tally, onTrouble } = options;
      const cursor = new LogCursor(log.paths, { taiSeconds, ...log }, tally, onTrouble);
      open.push(cursor);
      await goOn(cursor);
      next = earliest(open);
    }
    if (!next) return;
    const others = open.filter((cursor) => cursor !== next).map(({ atMs }) => atMs);
    const untilMs = Math.min(waiting[0]?.startMs ?? Number.POSITIVE_INFINITY, ...others);
    await takeUntil(next, untilMs);
  }
}

function earliest(open: readonly LogCursor[]): LogCursor | undefined {
  return open.reduce<LogCursor | undefined>((first, cursor) => {
    return first && first.atMs <= cursor.atMs ? first : cursor;
  }, undefined);
}

async function inOrder(logs: readonly LogSet[], given: number | undefined): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  for (const log of logs) {
    const taiSeconds = given ?? (await taiSecondsOf(log));
    // What is no file can be read only once; it is read from the start.
    const isFile = log.bytes > 0;
    const known = isFile ? await firstMs(log, taiSeconds) : undefined;
    waiting.push({ log, taiSeconds, startMs: known ?? Number.NEGATIVE_INFINITY });
  }
  return waiting.sort((a, b) => a.startMs - b.startMs);
}
