/**
 * Counts over time in so few buckets that they can be drawn: when there are too many, neighbours are
 * merged into wider ones. The widths are such as people divide time by.
 *
 * Guarantee: there are at most `mostBuckets`, however long the time is, and nothing counted is lost.
 */

export type Bucket = { connections: number; refused: number; blocks: number };

/** When it begins, and what it holds. */
export type DatedBucket = Bucket & { readonly atMs: number };

export const mostBuckets = 400;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Each is a multiple of the one before; after them a width is doubled. */
const widths = [1, 5, 15, 60, 180, 720, 1440, 7 * 1440].map((minutes) => minutes * minuteMs);

/** The instant at which the day of `atMs` would have begun if the zone had always been as then. */
function midnightBefore(atMs: number): number {
  const aheadMs = -new Date(atMs).getTimezoneOffset() * minuteMs;
  return Math.floor((atMs + aheadMs) / dayMs) * dayMs - aheadMs;
}

export class TimeBuckets {
  /** Where buckets are counted from; undefined while there is none. */
  #originMs: number | undefined;
  #widthMs: number;
  #buckets = new Map<number, Bucket>();
  /** The one that was asked for last, as most connections are in the bucket of the one before. */
  #lastIndex = Number.NaN;
  #last: Bucket = { connections: 0, refused: 0, blocks: 0 };
  #first = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  /** `leastWidthMs` is one of the widths, for counts that are no finer. */
  constructor(leastWidthMs = minuteMs) {
    this.#widthMs = leastWidthMs;
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  /** The bucket of this instant, to count in at once. */
  at(atMs: number): Bucket {
    this.#originMs ??= midnightBefore(atMs);
    const index = Math.floor((atMs - this.#originMs) / this.#widthMs);
    if (index === this.#lastIndex) return this.#last;
    this.#first = Math.min(this.#first, index);
    this.#end = Math.max(this.#end, index + 1);
    if (this.#end - this.#first > mostBuckets) {
      this.#widen();
      return this.at(atMs);
    }
    this.#lastIndex = index;
    this.#last = this.#bucket(index);
    return this.#last;
  }

  /** All from the first to the last, also empty ones. */
  all(): DatedBucket[] {
    const found: DatedBucket[] = [];
    for (let index = this.#first; index < this.#end; index += 1) {
      const atMs = (this.#originMs ?? 0) + index * this.#widthMs;
      const { connections = 0, refused = 0, blocks = 0 } = this.#buckets.get(index) ?? {};
      found.push({ atMs, connections, refused, blocks });
    }
    return found;
  }

  #bucket(index: number): Bucket {
    const known = this.#buckets.get(index);
    if (known) return known;
    const bucket = { connections: 0, refused: 0, blocks: 0 };
    this.#buckets.set(index, bucket);
    return bucket;
  }

  #widen(): void {
    const widthMs = widths.find((each) => each > this.#widthMs) ?? this.#widthMs * 2;
    const times = widthMs / this.#widthMs;
    const narrow = this.#buckets;
    this.#buckets = new Map();
    for (const [index, { connections, refused, blocks }] of narrow) {
      const wide = this.#bucket(Math.floor(index / times));
      wide.connections += connections;
      wide.refused += refused;
      wide.blocks += blocks;
    }
    this.#widthMs = widthMs;
    this.#first = Math.floor(this.#first / times);
    this.#end = Math.ceil(this.#end / times);
    this.#lastIndex = Number.NaN;
  }
}
