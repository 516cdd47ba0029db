/** What `ipthrottle replay` says to a person. */
import type { Cell, Column, Line, Row } from '../commands/command.ts';
import { countedNoun, duration } from '../commands/words.ts';
import type {
  CandidateSummary,
  LimitSummary,
  RaterSummary,
  Reading,
  Summary,
} from '../replay/replay-summary.ts';
import type { Suggestion } from '../replay/suggest-limits.ts';
import { quoted } from '../runtime/log.ts';

/** How many of those that were blocked, or refused by one configuration only, are named. */
const named = 20;

/** `3.7 %`; what is more than nothing is never 0. */
function percent(part: number): string {
  if (part > 0 && part < 0.001) return '< 0.1 %';
  return `${(part * 100).toFixed(1)} %`;
}

function share(part: number, whole: number): string {
  return percent(whole === 0 ? 0 : part / whole);
}

function instant(iso: string) {
  return { ms: Date.parse(iso) };
}

function between(from: string, to: string): string {
  return duration(Date.parse(to) - Date.parse(from));
}

/** What was wrong with the logs, a sentence each. */
export function troubleLines({ lines, span, troubles }: Reading): string[] {
  const all = troubles.map(({ file, what }) => `${file}: ${what}`);
  if (lines.undated > 0) {
    const what = `${countedNoun(lines.undated, 'connection')} without a time, which cannot be used`;
    all.push(`${what}: have the logger write stamps, as with svlogd -tt or multilog t`);
  }
  if (span.firstBackward) {
    const { file, line, seconds } = span.firstBackward;
    const often = span.backwards === 1 ? '' : `, the first of ${span.backwards} times`;
    const where = `${quoted(file)}: the clock goes back ${seconds} seconds at line ${line}${often}`;
    all.push(`${where}: blocks and windows go on as if no time had passed there`);
  }
  if (lines.isDouble) {
    const what = 'connections of servers and hits of rater are both there';
    all.push(`${what}: what both logs tell of counts twice; replay one of them`);
  }
  return all;
}

function lineLines({ lines, examples }: Summary): Line[] {
  const parts = [
    `${lines.used} used`,
    `${lines.other} of other events`,
    `${lines.notUnderstood} not understood`,
    ...(lines.undated > 0 ? [`${lines.undated} without a time`] : []),
    ...(lines.noAddress > 0 ? [`${lines.noAddress} from what is no address`] : []),
    ...(lines.ofUnknownClass > 0 ? [`${lines.ofUnknownClass} of classes without limits`] : []),
    ...(lines.leftOut > 0 ? [`${lines.leftOut} left out as asked for`] : []),
  ];
  const shown = examples.map(({ file, line, text }) => `  ${file}:${line}: ${quoted(text)}`);
  return [`lines: ${lines.read} read, ${parts.join(', ')}`, ...shown];
}

function spanLines({ span: { from, to, gaps, longestGaps } }: Summary): Line[] {
  if (from === null || to === null) return [];
  const first: Row = ['time: ', instant(from), ' to ', instant(to), `, ${between(from, to)}`];
  if (gaps === 0) return [first];
  const what = `  ${countedNoun(gaps, 'time')} of an hour or more without a connection, the longest:`;
  const shown = longestGaps.map((gap): Row => {
    return ['    ', instant(gap.from), ' to ', instant(gap.to), `, ${between(gap.from, gap.to)}`];
  });
  return [first, what, ...shown];
}

function sumLine({ connections, clients, refused, refusedClients, blocks }: RaterSummary): string {
  const all = `${countedNoun(connections, 'connection')} of ${countedNoun(clients, 'client')}`;
  const kept = `${refused} refused (${share(refused, connections)}) of ${countedNoun(refusedClients, 'client')}`;
  return `${all}; ${kept}; ${countedNoun(blocks, 'block')}`;
}

const blockedColumns: readonly Column[] = [
  { name: 'CLIENT' },
  { name: 'CLASS', rank: 5 },
  { name: 'RATE', rank: 3 },
  { name: 'FIRST', shows: 'instant', rank: 7 },
  { name: 'LAST UNTIL', shows: 'instant', rank: 8 },
  { name: 'BLOCKS', rank: 1 },
  { name: 'FOR', shows: 'duration', rank: 4 },
  { name: 'REFUSED', rank: 2 },
  { name: 'OF', rank: 6 },
];

function blockedLines({ blocked }: RaterSummary): Line[] {
  if (blocked.length === 0) return ['nobody would have been blocked'];
  const rows = blocked
    .slice(0, named)
    .map((each): Cell[] => [
      each.client,
      each.class,
      `${each.count}/${each.limit}/${each.seconds}s`,
      Date.parse(each.first),
      Date.parse(each.until),
      each.blocks,
      each.blockedSeconds * 1000,
      each.refused,
      each.connections,
    ]);
  const rest = blocked.length - rows.length;
  const more = rest > 0 ? [`  and ${rest} more, which --json has`] : [];
  return [
    `would have been blocked: ${countedNoun(blocked.length, 'client')}`,
    { columns: blockedColumns, rows },
    ...more,
  ];
}

function limitText({ class: name, pattern, limit, seconds }: LimitSummary): string {
  return `class ${name}, ${quoted(pattern)}: ${limit} in ${seconds} seconds`;
}

function limitLines({ limits, near }: RaterSummary): Line[] {
  const unreached = limits.filter(({ most, limit }) => most <= limit);
  const shown = unreached.map((limit) => {
    const most = limit.most === 0 ? 'nobody came' : `at most ${limit.most}, by ${limit.client}`;
    return `  ${limitText(limit)}: ${most}`;
  });
  const close = near.map(({ client, count, limit, seconds }) => {
    return `  ${client}: ${count}/${limit}/${seconds}s`;
  });
  return [
    ...(shown.length > 0 ? ['limits that nobody exceeds:', ...shown] : []),
    ...(close.length > 0 ? ['clients just under their limit:', ...close] : []),
  ];
}

function forgottenLines({ forgotten }: RaterSummary): string[] {
  return Object.entries(forgotten)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `no room: ${what} ${countedNoun(count, 'time')}`);
}

function raterLines(result: RaterSummary): Line[] {
  return [
    sumLine(result),
    ...forgottenLines(result),
    ...blockedLines(result),
    ...limitLines(result),
  ];
}

const differenceColumns: readonly Column[] = [
  { name: 'CONFIGURATION' },
  { name: 'REFUSED' },
  { name: 'CLIENTS' },
  { name: 'BLOCKS' },
];

function differenceLines({ result, against, onlyRefusedBy }: Summary): Line[] {
  if (!against || !onlyRefusedBy) return [];
  const rows = [result, against].map((each): Cell[] => {
    return [each.config, each.refused, each.refusedClients, each.blocks];
  });
  const only = ([each, names]: readonly [RaterSummary, readonly string[]]) => {
    const more =
      names.length > named ? [`  and ${names.length - named} more, which --json has`] : [];
    const shown = names.slice(0, named).map((name) => `  ${name}`);
    return [
      `refused only by ${each.config}: ${countedNoun(names.length, 'client')}`,
      ...shown,
      ...more,
    ];
  };
  return [
    'differences:',
    { columns: differenceColumns, rows },
    ...only([result, onlyRefusedBy.result]),
    ...only([against, onlyRefusedBy.against]),
  ];
}

const candidateColumns: readonly Column[] = [
  { name: 'LIMIT' },
  { name: 'BLOCKS' },
  { name: 'CLIENTS' },
  { name: 'REFUSED' },
  { name: 'OF-TRAFFIC' },
  { name: 'BIGGEST-CLIENT', rank: 1 },
  { name: 'SHARE', rank: 2 },
  { name: 'NEVER-REACHED-BY', rank: 3 },
];

function candidateRow(each: CandidateSummary): Cell[] {
  return [
    `${each.seconds}/${each.limit}`,
    each.blocks,
    each.clients,
    each.refused,
    percent(each.ofTraffic),
    each.biggestClient ?? '-',
    each.biggestClient === null ? '-' : percent(each.share),
    each.neverReachedBy,
  ];
}

function candidateLines({ class: name, candidates }: Summary): Line[] {
  if (candidates.length === 0) return [];
  return [
    `other limits for everybody in class ${name}, as SECONDS/COUNT:`,
    { columns: candidateColumns, rows: candidates.map(candidateRow) },
  ];
}

function suggestionLines(suggestions: readonly Suggestion[], wanted: number): Line[] {
  if (suggestions.length === 0) return [];
  return [
    `limits that spare ${wanted} % of the clients:`,
    ...suggestions.map((each) => `  ${each.seconds}/${each.limit}: ${reasonFor(each)}`),
  ];
}

/** Why just this limit, and what it costs. */
function reasonFor({
  limit,
  seconds,
  clients,
  spared,
  hit,
  connectionsOfHit,
  next,
  isBeyond,
}: Suggestion) {
  if (isBeyond) return `more than ${limit} in ${seconds} seconds are common: limit a shorter time`;
  const never = `${spared} of ${countedNoun(clients, 'client')} never made more than ${limit} connections in ${seconds} seconds`;
  if (next === null) return `${never}, so it would have refused nobody`;
  const others = hit === 1 ? 'the other one' : `of the other ${hit} the least`;
  return `${never}; ${others} made ${next}, and all their connections were ${connectionsOfHit}`;
}

/** `wanted` is the part of the clients to spare, in percent. */
export function replayLines(
  summary: Summary,
  suggestions: readonly Suggestion[],
  wanted: number,
): Line[] {
  const { lines, seconds, linesPerSecond } = summary;
  const speed = `read ${lines.read} lines in ${seconds.toFixed(2)} seconds: ${linesPerSecond} lines/s`;
  const found = [
    ...spanLines(summary),
    ...raterLines(summary.result),
    ...differenceLines(summary),
    ...candidateLines(summary),
    ...suggestionLines(suggestions, wanted),
  ];
  const nothing = 'no connection was found: nothing can be said';
  return [...lineLines(summary), ...(lines.used > 0 ? found : [nothing]), speed];
}
