/**
 * Measures every row and prints one table. A full run is kept in RESULTS.md, a quick one only with
 * --keep; every run is compared with the kept one. Arguments: --quick, --keep, and names of rows to
 * measure only these.
 *
 * A row that fails or takes too long is reported and does not stop the rest. Exit 1 when a
 * correctness row missed its goal, else 0, however slow ours is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  lineOf,
  type Machine,
  machineText,
  parseResults,
  type Run,
  resultsText,
  sectionsOf,
  tableText,
} from './results.ts';
import { type Finding, type Row, Skipped } from './row.ts';
import { rows } from './rows/rows.ts';
import { Workbench } from './workbench.ts';

const { values: options, positionals: only } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const [root = '.', built = '.'] = [process.env.BENCH_ROOT, process.env.BENCH_BUILT];
/** The workbench of the row that is being measured. */
let bench = new Workbench({ root, built }, options.quick);
let isEnding = false;
const results = join(root, 'test/bench/RESULTS.md');

function fileSystemOf(directory: string): string {
  const mounts = readFileSync('/proc/mounts', 'latin1').trim().split('\n');
  const found = mounts
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at === '/' || directory === at || directory.startsWith(`${at}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  return found[0]?.[2] ?? 'unknown';
}

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    directory: fileSystemOf(tmpdir()),
    othersLoad: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** What is kept of the last run, if anything is. */
function lastText(): string {
  try {
    return readFileSync(results, 'utf8');
  } catch {
    return '';
  }
}

/** The row's findings, or why it has none. */
async function measured(row: Row): Promise<readonly Finding[] | string> {
  const maxMs = options.quick ? 40_000 : 300_000;
  bench = new Workbench({ root, built }, options.quick);
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up after ${maxMs / 1000} s`)), maxMs);
  });
  try {
    return await Promise.race([row.measure(bench), tooLong]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return error instanceof Skipped ? why : `failed: ${why}`;
  } finally {
    clearTimeout(timer);
    await bench.clear();
  }
}

async function runAll(): Promise<Run> {
  // Before anything of ours runs, so that the load is that of others.
  const here = machine();
  const lines = [];
  const left = [];
  for (const row of rows) {
    if (only.length > 0 && !only.includes(row.name)) continue;
    // Nothing new is started; `end` exits.
    if (isEnding) await new Promise(() => {});
    const startMs = performance.now();
    const found = await measured(row);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const outcome = typeof found === 'string' ? `left out: ${found}` : 'done';
    process.stderr.write(`${row.name}: ${outcome} (${seconds} s)\n`);
    if (typeof found === 'string') left.push({ what: row.what, why: found });
    else lines.push(...found.map(lineOf));
  }
  const date = new Date().toISOString();
  return { date, isQuick: options.quick, machine: here, lines, left };
}

function end(signal: NodeJS.Signals): void {
  isEnding = true;
  void bench.clear().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
}

process.once('SIGINT', end).once('SIGTERM', end);
// A contender that outlives its row's timeout fails later; the timeout was reported.
process.on('unhandledRejection', () => {});
const before = lastText();
const last = parseResults(before);
const run = await runAll();
process.stdout.write(`\n${machineText(run)}\n\n${tableText(run, last)}\n`);
for (const { what, why } of run.left) process.stdout.write(`left out: ${what}: ${why}\n`);
if (last) process.stdout.write(`compared with: ${machineText(last)}\n`);
if ((options.keep || !options.quick) && only.length === 0) {
  writeFileSync(results, resultsText(run, last, sectionsOf(before)));
  process.stdout.write(`kept in test/bench/${basename(results)}\n`);
}
const isWrong = run.lines.some((line) => line.isCorrectness && line.judgement !== 'met');
process.exit(isWrong ? 1 : 0);
