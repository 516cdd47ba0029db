/**
 * `ipthrottle report`: gathers a period from logs or from rater's history, and writes the page about it.
 */
import { lstatSync, writeFileSync } from 'node:fs';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { replaceFile } from '../files/replace-file.ts';
import { reportPage } from '../report/report-page.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault, reasonOf } from '../runtime/errors.ts';
import { doNow } from '../runtime/work.ts';
import type { Invocation } from './cli-command.ts';
import { periodOfHistory } from './period-of-history.ts';
import { periodOfLogs } from './period-of-logs.ts';

/** Of a new page: it says who connects. */
const usualMode = 0o640;

/** @throws Fault */
export async function runReport(invocation: Invocation): Promise<Outcome> {
  const { arguments: paths, options } = invocation;
  const path = pathIn(options);
  const isOfLogs = paths.length > 0;
  if (!isOfLogs && options.leapSeconds !== undefined) {
    throw new Fault('usage', '--leap-seconds is of no use without logs');
  }
  const { period, notes } = await (isOfLogs ? periodOfLogs : periodOfHistory)(invocation);
  const isMasked = options.mask === true;
  const page = reportPage(period, { notes, isMasked, nowMs: systemClock.wallMs() });
  writePage(path, page);
  const { connections, blocks } = period;
  const isEmpty = connections === 0 && blocks === 0;
  return {
    exit: isEmpty ? exitCodes.refused.code : exitCodes.done.code,
    lines: [`wrote ${path}: ${connections} connections, ${blocks} blocks`],
  };
}

/** @throws Fault `usage` */
function pathIn({ html }: CommandOptions): string {
  if (typeof html === 'string' && html !== '') return html;
  throw new Fault('usage', 'where shall the page be? say --html FILE');
}

/**
 * A file is replaced as a whole and keeps its mode and owner; into what is no plain file, such as a
 * pipe or a link, it is written. @throws Fault `page`
 */
function writePage(path: string, page: string): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats && !stats.isFile()) writeFileSync(path, page);
    else doNow(replaceFile(path, Buffer.from(page), stats ? stats.mode & 0o777 : usualMode));
  } catch (error) {
    const cause = error instanceof Fault ? error.cause : error;
    throw new Fault('page', `${path}: ${reasonOf(cause)}`, error);
  }
}
