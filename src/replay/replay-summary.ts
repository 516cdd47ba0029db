/**
 * A replay in figures and texts, as --json prints it. Instants are ISO 8601 in UTC, shares are parts
 * of 1.
 */
import type { Limit, Rate } from '../core/limits.ts';
import type { Candidate } from './candidate-limits.ts';
import type { BlockedClient } from './client-table.ts';
import type { Replay } from './replay.ts';
import type { ReplayedClass, ReplayedLimit, ReplayedRater } from './replayed-rater.ts';

/** Clients this near to their limit are named, and so many of them. */
const nearShare = 0.8;
const nearest = 20;

export type BlockedSummary = {
  readonly client: string;
  readonly class: string;
  /** Of the last block: hits, the limit and its seconds. */
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  readonly first: string;
  /** When the last block would end. */
  readonly until: string;
  readonly blocks: number;
  readonly blockedSeconds: number;
  readonly refused: number;
  readonly connections: number;
};

export type LimitSummary = {
  readonly class: string;
  readonly pattern: string;
  readonly limit: number;
  readonly seconds: number;
  /** The most hits that were in the window at once, and whose; exact up to twice the limit. */
  readonly most: number;
  readonly client: string | null;
};

export type NearSummary = {
  readonly client: string;
  readonly class: string;
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
};

export type RaterSummary = {
  readonly config: string;
  readonly connections: number;
  readonly clients: number;
  readonly refused: number;
  readonly refusedClients: number;
  readonly blocks: number;
  /** Those refused most in front. */
  readonly blocked: readonly BlockedSummary[];
  readonly limits: readonly LimitSummary[];
  /** Clients that were never refused and came near their limit, the nearest in front. */
  readonly near: readonly NearSummary[];
  /** How often there was no room for a value, a block or an offence. */
  readonly forgotten: Readonly<Record<string, number>>;
};

export type CandidateSummary = {
  readonly seconds: number;
  readonly limit: number;
  readonly blocks: number;
  readonly clients: number;
  readonly refused: number;
  /** Of all connections. */
  readonly ofTraffic: number;
  readonly biggestClient: string | null;
  /** Of what is refused. */
  readonly share: number;
  readonly neverReachedBy: number;
};

export type Reading = {
  readonly lines: {
    readonly read: number;
    readonly used: number;
    readonly other: number;
    readonly notUnderstood: number;
    readonly undated: number;
    readonly noAddress: number;
    readonly leftOut: number;
    readonly ofUnknownClass: number;
    readonly isDouble: boolean;
  };
  readonly examples: readonly {
    readonly file: string;
    readonly line: number;
    readonly text: string;
  }[];
  readonly troubles: readonly { readonly file: string; readonly what: string }[];
  readonly span: {
    readonly from: string | null;
    readonly to: string | null;
    readonly gaps: number;
    readonly longestGaps: readonly { readonly from: string; readonly to: string }[];
    readonly backwards: number;
    readonly firstBackward: {
      readonly file: string;
      readonly line: number;
      readonly seconds: number;
    } | null;
  };
};

export type Summary = Reading & {
  readonly result: RaterSummary;
  readonly against: RaterSummary | null;
  /** Clients that only one of the two configurations would refuse. */
  readonly onlyRefusedBy: {
    readonly result: readonly string[];
    readonly against: readonly string[];
  } | null;
  readonly class: string;
  readonly candidates: readonly CandidateSummary[];
  readonly seconds: number;
  readonly linesPerSecond: number;
};

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function total(column: Uint32Array): number {
  let sum = 0;
  for (const count of column) sum += count;
  return sum;
}

/** The texts of clients by row. */
function names({ clients }: ReplayedClass, rows: ReadonlySet<number>): Map<number, string> {
  const found = new Map<number, string>();
  for (const [text, row] of clients.clients()) if (rows.has(row)) found.set(row, text);
  return found;
}

function blockedOf(replayed: ReplayedClass, blocked: BlockedClient, row: number): BlockedSummary {
  const { clients } = replayed;
  const { last, blocks, seconds, firstMs } = blocked;
  return {
    client: last.address.text,
    class: replayed.known.name,
    ...{ count: last.count, limit: last.limit, seconds: last.seconds },
    ...{ first: iso(firstMs), until: iso(last.untilMs), blocks, blockedSeconds: seconds },
    refused: clients.refused[row] as number,
    connections: clients.connections[row] as number,
  };
}

function limitsOf(replayed: ReplayedClass): LimitSummary[] {
  const all = [...replayed.limits.values()].flatMap(({ limit, peaks }: ReplayedLimit) => {
    return peaks.filter(({ rate }) => rate.count >= 0).map((peak) => ({ limit, peak }));
  });
  const known = names(replayed, new Set(all.map(({ peak }) => peak.row)));
  return all.map(({ limit, peak: { rate, count, row } }) => ({
    class: replayed.known.name,
    pattern: limit.pattern.text,
    ...{ limit: rate.count, seconds: rate.seconds, most: count },
    client: known.get(row) ?? null,
  }));
}

/** The rate in whose window the client was nearest to its limit. */
function fullestRate(
  rater: ReplayedRater,
  replayed: ReplayedClass,
  text: string,
  row: number,
): Rate | undefined {
  return rater.limitOf(replayed, text)?.rates[replayed.clients.peakRates[row] as number];
}

function nearOf(rater: ReplayedRater, replayed: ReplayedClass): NearSummary[] {
  const { clients, known } = replayed;
  const leastCount = Math.min(...nearCounts(replayed));
  const near: NearSummary[] = [];
  for (const [client, row] of clients.clients()) {
    const count = clients.peakCounts[row] as number;
    if (count < leastCount || (clients.refused[row] as number) > 0) continue;
    const rate = fullestRate(rater, replayed, client, row);
    if (!rate || count < nearShare * rate.count || count > rate.count) continue;
    near.push({ client, class: known.name, count, limit: rate.count, seconds: rate.seconds });
  }
  const fullness = ({ count, limit }: NearSummary) => count / limit;
  return near.sort((a, b) => fullness(b) - fullness(a)).slice(0, nearest);
}

/** How many hits are near the limits of the class. */
function nearCounts({ known }: ReplayedClass): number[] {
  const rates = known.limits.flatMap((limit: Limit) => limit.rates);
  return rates.filter(({ count }) => count > 0).map(({ count }) => nearShare * count);
}

function raterOf(rater: ReplayedRater): RaterSummary {
  const classes = [...rater.classes.values()];
  const sum = (of: (replayed: ReplayedClass) => number) => {
    return classes.reduce((all, each) => all + of(each), 0);
  };
  const blocked = classes.flatMap((replayed) => {
    return Array.from(replayed.clients.blocked, ([row, each]) => blockedOf(replayed, each, row));
  });
  const forgotten = (['value forgotten', 'block not made', 'offence forgotten'] as const).map(
    (mode) => [mode, rater.health.tally(mode).count],
  );
  return {
    config: rater.config.file,
    connections: sum(({ clients }) => total(clients.connections)),
    clients: sum(({ clients }) => clients.connections.filter((count) => count > 0).length),
    refused: sum(({ clients }) => total(clients.refused)),
    refusedClients: sum(({ clients }) => clients.refused.filter((count) => count > 0).length),
    blocks: blocked.reduce((all, { blocks }) => all + blocks, 0),
    blocked: blocked.sort((a, b) => b.refused - a.refused || (a.first < b.first ? -1 : 1)),
    limits: classes.flatMap(limitsOf),
    near: classes.flatMap((replayed) => nearOf(rater, replayed)).slice(0, nearest),
    forgotten: Object.fromEntries(forgotten),
  };
}

function candidateOf(candidate: Candidate, replay: Replay): CandidateSummary {
  const { clients } = replay.main;
  let [biggest, most] = [-1, 0];
  for (const [row, { refused }] of candidate.offenders) {
    if (refused > most) [biggest, most] = [row, refused];
  }
  const { rate, blocks, refused, offenders } = candidate;
  return {
    ...{ seconds: rate.seconds, limit: rate.count, blocks, clients: offenders.size, refused },
    ofTraffic: share(refused, total(clients.connections)),
    biggestClient: names(replay.main, new Set([biggest])).get(biggest) ?? null,
    share: share(most, refused),
    neverReachedBy: clients.size - offenders.size,
  };
}

function refusedBy(rater: ReplayedRater): Set<string> {
  const all = new Set<string>();
  for (const { known, clients } of rater.classes.values()) {
    for (const [text, row] of clients.clients()) {
      if ((clients.refused[row] as number) > 0) all.add(`${known.name} ${text}`);
    }
  }
  return all;
}

function onlyRefusedBy(rater: ReplayedRater, against: ReplayedRater) {
  const [here, there] = [refusedBy(rater), refusedBy(against)];
  return {
    result: [...here].filter((text) => !there.has(text)),
    against: [...there].filter((text) => !here.has(text)),
  };
}

/** What was read, and what was wrong with it. */
export function readingOf(replay: Replay): Reading {
  const { tally, span, rater } = replay;
  const { connection, other, undated, unknown, 'no address': noAddress } = tally.counts;
  const notCounted = [...rater.classes.values()].reduce((sum, each) => sum + each.notCounted, 0);
  const isAny = span.firstMs <= span.lastMs;
  return {
    lines: {
      read: tally.lines,
      used: connection - replay.leftOut - replay.ofUnknownClass - notCounted,
      other,
      notUnderstood: unknown,
      undated,
      noAddress: noAddress + notCounted,
      leftOut: replay.leftOut,
      ofUnknownClass: replay.ofUnknownClass,
      isDouble: replay.isDouble,
    },
    examples: tally.examples,
    troubles: replay.troubles,
    span: {
      from: isAny ? iso(span.firstMs) : null,
      to: isAny ? iso(span.lastMs) : null,
      gaps: span.gaps,
      longestGaps: span.longestGaps.map(({ fromMs, toMs }) => ({
        from: iso(fromMs),
        to: iso(toMs),
      })),
      backwards: span.backwards,
      firstBackward: span.firstBackward ?? null,
    },
  };
}

export function summaryOf(replay: Replay): Summary {
  const { tally, rater, against, main, seconds } = replay;
  return {
    ...readingOf(replay),
    result: raterOf(rater),
    against: against ? raterOf(against) : null,
    onlyRefusedBy: against ? onlyRefusedBy(rater, against) : null,
    class: main.known.name,
    candidates: replay.candidates.candidates.map((each) => candidateOf(each, replay)),
    seconds,
    linesPerSecond: Math.round(tally.lines / seconds),
  };
}
