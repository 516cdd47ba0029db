/**
 * What happened in a period, tallied as it happens in any order, to be told by a page.
 *
 * Guarantee: memory is bounded, however many connections, clients and blocks there are.
 */
import { ipv4Text, leadingBits, networkOf, parseNetwork } from '../core/address.ts';
import { shortestValue, type Value } from '../core/value.ts';
import { networkLengths } from './mask-address.ts';
import { TimeBuckets } from './time-buckets.ts';
import { TopValues } from './top-values.ts';

export type ReportedBlock = {
  /** Wall milliseconds. */
  readonly atMs: number;
  /** An address or network. */
  readonly value: string;
  /** Of limits; '' for none. */
  readonly class: string;
  /** How long it is meant to last; undefined: not known, or for good. */
  readonly seconds: number | undefined;
  /** Which remembered offence it is for; 0 for none. */
  readonly offence: number;
};

export type HourTally = { connections: number; refused: number };

/** The blocks that are shown one by one. */
export const latestBlocks = 1000;

/** The last offences, and all further ones, are told together. */
export const mostOffences = 10;

/** The longest that a block of each bar lasts, in seconds. */
export const durationBounds = [
  60,
  300,
  900,
  3600,
  3 * 3600,
  12 * 3600,
  86_400,
  3 * 86_400,
  7 * 86_400,
  Number.POSITIVE_INFINITY,
] as const;

/** Zones are ahead of UTC by multiples of it. */
const quarterMs = 900_000;

/** The network that a client is in, or is, as the bits of its IPv4 address or as text. */
function networkOfClient(value: Value): Value | undefined {
  if (typeof value === 'number') return value & 0xffffff00;
  const address = parseNetwork(value);
  if (!address || address.prefixLength < networkLengths[address.family]) return undefined;
  const network = networkOf(address, networkLengths[address.family]);
  return network.family === 4 ? leadingBits(network) : network.text;
}

/** How a network is written. */
export function networkText(value: Value): string {
  return typeof value === 'number' ? `${ipv4Text(value)}/${networkLengths[4]}` : value;
}

export class Period {
  connections = 0;
  refused = 0;
  blocks = 0;
  /** When the first thing happened, and after the last; infinite when there is none. */
  fromMs = Number.POSITIVE_INFINITY;
  toMs = Number.NEGATIVE_INFINITY;
  readonly buckets: TimeBuckets;
  /** By class. */
  readonly clients = new Map<string, TopValues>();
  readonly networks = new TopValues(() => undefined);
  /** By weekday, 0 for Sunday, and hour of the local zone: element `24 * weekday + hour`. */
  readonly hours: readonly HourTally[] = Array.from({ length: 7 * 24 }, () => {
    return { connections: 0, refused: 0 };
  });
  /** How many blocks are as long as each of `durationBounds` allows; those without an end are apart. */
  readonly durations = durationBounds.map(() => 0);
  endless = 0;
  /** How many blocks were for a first, second, third offence, and so on. */
  readonly offences = new Array<number>(mostOffences).fill(0);
  #latest: ReportedBlock[] = [];
  #quarter = Number.NaN;
  #hour: HourTally = { connections: 0, refused: 0 };

  /** `leastBucketMs`: as for TimeBuckets. */
  constructor(leastBucketMs?: number) {
    this.buckets = new TimeBuckets(leastBucketMs);
  }

  /** A connection of a client: its text, or the bits of its IPv4 address. */
  connection(atMs: number, className: string, client: Value, isRefused: boolean): void {
    const refused = isRefused ? 1 : 0;
    this.connectionsIn(atMs, atMs, 1, refused);
    const tally = this.#clientsOf(className).note(shortestValue(client));
    tally.connections += 1;
    tally.refused += refused;
    if (tally.network === undefined) return;
    const network = this.networks.note(tally.network);
    network.connections += 1;
    network.refused += refused;
  }

  /** Connections of clients that are not known, in less than a bucket. */
  connectionsIn(fromMs: number, toMs: number, connections: number, refused: number): void {
    this.#span(fromMs, toMs);
    this.connections += connections;
    this.refused += refused;
    const bucket = this.buckets.at(fromMs);
    bucket.connections += connections;
    bucket.refused += refused;
    const hour = this.#hourAt(fromMs);
    hour.connections += connections;
    hour.refused += refused;
  }

  block(block: ReportedBlock): void {
    const { atMs, value, seconds, offence } = block;
    this.#span(atMs, atMs);
    this.blocks += 1;
    this.buckets.at(atMs).blocks += 1;
    this.#count(seconds, offence);
    this.#latest.push(block);
    if (this.#latest.length >= 2 * latestBlocks) this.#latest = this.latest();
    const tally = this.#clientsOf(block.class).note(shortestValue(value));
    const { network } = tally;
    for (const each of network === undefined ? [tally] : [tally, this.networks.note(network)]) {
      each.blocks += 1;
      each.blockedSeconds += seconds ?? 0;
      each.lastBlockMs = Math.max(each.lastBlockMs, atMs);
    }
  }

  /** The blocks that began last, the very last one first. */
  latest(): ReportedBlock[] {
    return this.#latest.sort((a, b) => b.atMs - a.atMs).slice(0, latestBlocks);
  }

  #count(seconds: number | undefined, offence: number): void {
    if (seconds === undefined) this.endless += 1;
    else {
      const bar = durationBounds.findIndex((bound) => seconds <= bound);
      this.durations[bar] = (this.durations[bar] as number) + 1;
    }
    if (offence < 1) return;
    const index = Math.min(offence, mostOffences) - 1;
    this.offences[index] = (this.offences[index] as number) + 1;
  }

  #clientsOf(className: string): TopValues {
    const known = this.clients.get(className);
    if (known) return known;
    const clients = new TopValues(networkOfClient);
    this.clients.set(className, clients);
    return clients;
  }

  #span(fromMs: number, toMs: number): void {
    if (fromMs < this.fromMs) this.fromMs = fromMs;
    if (toMs > this.toMs) this.toMs = toMs;
  }

  /** To ask a Date for each of millions of connections would take longer than all the rest. */
  #hourAt(atMs: number): HourTally {
    const quarter = Math.floor(atMs / quarterMs);
    if (quarter === this.#quarter) return this.#hour;
    const date = new Date(atMs);
    this.#quarter = quarter;
    this.#hour = this.hours[24 * date.getDay() + date.getHours()] as HourTally;
    return this.#hour;
  }
}
