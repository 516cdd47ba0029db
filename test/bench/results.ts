/**
 * A run as it is kept and compared: the same numbers once as a table for people and once as JSON
 * for the next run, in one Markdown file.
 */
import { type Judgement, judgeGoal, median, ratioShown } from './arithmetic.ts';
import type { Finding, Goal, Series } from './row.ts';

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  readonly directory: string;
  /** The load average before the bench began: others use the cores too. */
  readonly othersLoad: number;
};

/** What a contender gave, as a median. */
export type Kept = { readonly name: string; readonly value: number };

export type Line = {
  readonly what: string;
  readonly unit: string;
  readonly ours: Kept;
  readonly peer?: Kept | undefined;
  readonly limit?: Kept | undefined;
  readonly ratio?: number | undefined;
  readonly goal: string;
  readonly judgement: Judgement;
  readonly isCorrectness: boolean;
};

export type Run = {
  readonly date: string;
  readonly isQuick: boolean;
  readonly machine: Machine;
  readonly lines: readonly Line[];
  /** Rows that gave nothing, and why. */
  readonly left: readonly { readonly what: string; readonly why: string }[];
};

const signs = { 'at most': '<=', 'at least': '>=', exactly: '=' } as const;

function kept(series: Series | undefined, isExact: boolean): Kept | undefined {
  if (!series || series.samples.length === 0) return undefined;
  const { name, samples } = series;
  // Where every trial must hold, the worst one is shown.
  return { name, value: rounded(isExact ? Math.max(...samples) : median(samples)) };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function goalText(goal: Goal | undefined, unit: string, others: Partial<Record<string, Kept>>) {
  if (!goal) return '';
  const sign = signs[goal.is];
  if (goal.of === 'ours') return `${sign} ${goal.bound}${unit && ` ${unit}`}`;
  return `${sign} ${rounded(goal.bound)} of ${others[goal.of]?.name ?? goal.of}`;
}

export function lineOf(finding: Finding): Line {
  const { what, unit, goal } = finding;
  const isExact = goal?.is === 'exactly';
  const [peer, limit] = [kept(finding.peer, isExact), kept(finding.limit, isExact)];
  const ratio = ratioShown(finding);
  return {
    what,
    unit,
    ours: kept(finding.ours, isExact) ?? { name: finding.ours.name, value: Number.NaN },
    ...(peer ? { peer } : {}),
    ...(limit ? { limit } : {}),
    ...(ratio === undefined || Number.isNaN(ratio) ? {} : { ratio: rounded(ratio) }),
    goal: goalText(goal, unit, { peer, limit }),
    judgement: judgeGoal(finding),
    isCorrectness: finding.isCorrectness ?? false,
  };
}

/** How the ratio, or the value of a line without one, changed since the kept run, as `+3 %`. */
export function changeSince(line: Line, last: Run | undefined): string {
  const before = last?.lines.find(({ what }) => what === line.what);
  if (!before) return '';
  const [now, then] =
    line.ratio !== undefined && before.ratio !== undefined
      ? [line.ratio, before.ratio]
      : [line.ours.value, before.ours.value];
  const percent = Math.round((now / then - 1) * 100);
  return Number.isFinite(percent) ? `${percent > 0 ? '+' : ''}${percent} %` : '';
}

function amount(side: Kept | undefined, unit: string): string {
  if (!side) return '';
  const digits = Math.abs(side.value) >= 1000 ? 0 : 3;
  const number = Number(side.value.toPrecision(digits || 4));
  return `${number.toLocaleString('en').replaceAll(',', ' ')}${unit && ` ${unit}`}`;
}

function named(side: Kept | undefined, unit: string): string {
  return side ? `${side.name} ${amount(side, unit)}` : '';
}

const header = ['what', 'ours', 'peer', 'limit', 'ratio', 'goal', 'met', 'since last'];

export function tableRows(run: Run, last: Run | undefined): string[][] {
  return run.lines.map((line) => [
    line.what,
    amount(line.ours, line.unit),
    named(line.peer, line.unit),
    named(line.limit, line.unit),
    line.ratio === undefined ? '' : String(Number(line.ratio.toPrecision(3))),
    line.goal,
    line.judgement === 'missed' ? 'MISSED' : line.judgement,
    changeSince(line, last),
  ]);
}

/** The table with aligned columns. */
export function tableText(run: Run, last: Run | undefined): string {
  const all = [header, ...tableRows(run, last)];
  const widths = header.map((_, column) => {
    return Math.max(...all.map((cells) => cells[column]?.length ?? 0));
  });
  const padded = all.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  return padded.map((cells) => cells.join('  ').trimEnd()).join('\n');
}

export function machineText({ date, machine, isQuick }: Run): string {
  const { cpu, cores, kernel, node, directory, othersLoad } = machine;
  const others = othersLoad > 0.5 ? `shared with a load of ${othersLoad}` : 'otherwise idle';
  const kind = isQuick ? 'quick run, small sizes' : 'full run';
  return `${date.slice(0, 10)}, ${kind}; ${cpu}, ${cores} cores, ${others}; Linux ${kernel}; Node ${node}; files on ${directory}`;
}

const fence = '```';

/** The Markdown file of a run, with sections that people have written. */
export function resultsText(run: Run, last: Run | undefined, sections = ''): string {
  const rows = [header, header.map(() => '---'), ...tableRows(run, last)];
  const left = run.left.map(({ what, why }) => `- left out: ${what}: ${why}\n`).join('');
  return [
    '# Results of `npm run bench`',
    '',
    'Written by `npm run bench`; the next run compares itself with the JSON at the end. Read the ratios, and',
    'the times only of a machine that was otherwise idle. Where a limit must hold in every trial, the',
    'worst is shown.',
    '',
    machineText(run),
    '',
    ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
    '',
    [left, sections].filter((part) => part !== '').join('\n'),
    `${fence}json`,
    JSON.stringify(run, null, 1),
    fence,
    '',
  ].join('\n');
}

/** What people have written between the table and the JSON. */
export function sectionsOf(text: string): string {
  return new RegExp(`\\n(## .*?\\n)(?=\\n${fence}json\\n)`, 's').exec(text)?.[1] ?? '';
}

/** The run in a results file, or undefined when it holds no run. */
export function parseResults(text: string): Run | undefined {
  const json = text.split(`\n${fence}json\n`).at(1)?.split(`\n${fence}`).at(0);
  return json === undefined ? undefined : (JSON.parse(json) as Run);
}
