/**
 * The times that loggers write in front of a line, read from its bytes:
 *
 * - `@` and 24 hexadecimal digits: TAI64N, of multilog, svlogd -t and s6-log t;
 * - `2026-11-29_01:11:40.34398`, or with `T`: svlogd -tt and -ttt, which write UTC;
 * - `2026-11-29 01:11:40.355515089`: tai64nlocal and s6-log T, which write local time;
 * - any of these with `Z`, `+01:00` or `+0100`: syslog, journald and rater;
 * - `Nov 29 01:11:40`: syslog and journald, in local time and without the year.
 *
 * Pure but for the zone of this process. A stamp is read or it is not: half of one counts as text.
 */

/** What the stamps of a log do not say. */
export type StampRules = {
  /** TAI minus Unix time in its TAI64N: 10 by multilog and svlogd, 37 by s6-log with leap seconds. */
  readonly taiSeconds: number;
  /** Wall milliseconds after which no line was written; a stamp without a year gets the last one before. */
  readonly latestMs: number;
};

/** Seconds by which TAI64N of multilog and svlogd is ahead of Unix time. */
export const taiWithoutLeaps = 10;
/** The same of s6-log: the leap seconds up to 2017, after which there was none. */
export const taiWithLeaps = 37;

const space = 0x20;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const at64 = 0x40;
const [upperT, upperZ, underscore] = [0x54, 0x5a, 0x5f];

const dayMs = 86_400_000;
/** In which the distance of local time from UTC does not change. */
const quarterMs = 900_000;

const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** The value of a lower case hexadecimal digit; 255 for other bytes. */
const hexValues = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value += 1) {
  hexValues['0123456789abcdef'.charCodeAt(value)] = value;
}

/** The high half of the seconds of all TAI64 from 1970 to 2106. */
const taiHigh = Buffer.from('@40000000');
const taiLength = 25;

/** The number in 8 hexadecimal digits; -1 when they are none. */
function hex8(bytes: Uint8Array, at: number): number {
  let [value, wrong] = [0, 0];
  for (let index = at; index < at + 8; index += 1) {
    const digit = hexValues[bytes[index] as number] as number;
    wrong |= digit;
    value = (value << 4) | digit;
  }
  return wrong > 15 ? -1 : value >>> 0;
}

/** The number in `count` decimal digits; -1 when they are none. */
function decimal(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = (bytes[index] as number) - zero;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

export class StampReader {
  /** Of the stamp read last, wall milliseconds; NaN when there was none. */
  atMs = Number.NaN;
  readonly #taiMs: number;
  readonly #latestMs: number;
  readonly #latestYear: number;
  /** The quarter of an hour, as local time, whose distance from UTC is known. */
  #quarter = Number.NaN;
  #zoneMs = 0;

  constructor({ taiSeconds, latestMs }: StampRules) {
    this.#taiMs = taiSeconds * 1000;
    this.#latestMs = latestMs;
    this.#latestYear = new Date(latestMs).getFullYear();
  }

  /** Reads the stamp at `start`; returns where the text behind it begins, or `start`. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.atMs = Number.NaN;
    const first = bytes[start] as number;
    if (first === at64) return this.#readTai(bytes, start, end);
    const digit = first - zero;
    if (digit >= 0 && digit <= 9) return this.#readIso(bytes, start, end);
    return this.#readSyslog(bytes, start, end);
  }

  #readTai(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < taiLength) return start;
    for (let index = 1; index < taiHigh.length; index += 1) {
      if (bytes[start + index] !== taiHigh[index]) return start;
    }
    const seconds = hex8(bytes, start + 9);
    const nanoseconds = hex8(bytes, start + 17);
    if (seconds < 0 || nanoseconds < 0 || nanoseconds >= 1e9) return start;
    this.atMs = seconds * 1000 + Math.floor(nanoseconds / 1e6) - this.#taiMs;
    return skipSpaces(bytes, start + taiLength, end);
  }

  #readIso(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 19 || bytes[start + 4] !== minus || bytes[start + 7] !== minus) return start;
    const year = decimal(bytes, start, 4);
    const month = decimal(bytes, start + 5, 2);
    const day = decimal(bytes, start + 8, 2);
    const timeMs = timeOfDayMs(bytes, start + 11);
    if (year < 1970 || !isDay(month, day) || timeMs < 0) return start;
    const separator = bytes[start + 10];
    if (separator !== space && separator !== upperT && separator !== underscore) return start;
    const localMs = Date.UTC(year, month - 1, day) + timeMs;
    const fraction = start + 19;
    const zone = skipFraction(bytes, fraction, end);
    const exactMs = localMs + fractionMs(bytes, fraction, zone);
    const next = bytes[zone];
    if (zone < end && next === upperZ) {
      this.atMs = exactMs;
      return skipSpaces(bytes, zone + 1, end);
    }
    if (zone < end && (next === plus || next === minus)) {
      return this.#readZone(bytes, start, zone, end, exactMs);
    }
    this.atMs = separator === space ? this.#utcOf(exactMs) : exactMs;
    return skipSpaces(bytes, zone, end);
  }

  #readZone(bytes: Uint8Array, start: number, at: number, end: number, localMs: number): number {
    const minutesAt = bytes[at + 3] === colon ? at + 4 : at + 3;
    const [hours, minutes] = [decimal(bytes, at + 1, 2), decimal(bytes, minutesAt, 2)];
    if (minutesAt + 2 > end || hours < 0 || minutes < 0) return start;
    const aheadMs = (hours * 60 + minutes) * 60_000;
    this.atMs = bytes[at] === plus ? localMs - aheadMs : localMs + aheadMs;
    return skipSpaces(bytes, minutesAt + 2, end);
  }

  #readSyslog(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 15) return start;
    const month = monthAt(bytes, start);
    const isPadded = bytes[start + 4] === space;
    const day = isPadded ? decimal(bytes, start + 5, 1) : decimal(bytes, start + 4, 2);
    const timeMs = timeOfDayMs(bytes, start + 7);
    if (month < 0 || !isDay(month + 1, day) || timeMs < 0 || bytes[start + 6] !== space)
      return start;
    const fraction = start + 15;
    const after = skipFraction(bytes, fraction, end);
    const inYearMs = timeMs + fractionMs(bytes, fraction, after);
    const inYear = (year: number) => this.#utcOf(Date.UTC(year, month, day) + inYearMs);
    const thisYear = inYear(this.#latestYear);
    this.atMs = thisYear > this.#latestMs + dayMs ? inYear(this.#latestYear - 1) : thisYear;
    return skipSpaces(bytes, after, end);
  }

  /** The instant at which a clock in the zone of this process shows what in UTC would be `localMs`. */
  #utcOf(localMs: number): number {
    const quarter = Math.floor(localMs / quarterMs);
    if (quarter !== this.#quarter) {
      const shown = new Date(localMs);
      const date = [shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate()] as const;
      const local = new Date(...date, shown.getUTCHours(), shown.getUTCMinutes());
      this.#zoneMs = local.getTime() - Math.floor(localMs / 60_000) * 60_000;
      this.#quarter = quarter;
    }
    return localMs + this.#zoneMs;
  }
}

function isDay(month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/** The place of the month's name in the year, from 0; -1 when it is none. */
function monthAt(bytes: Uint8Array, at: number): number {
  for (let month = 0; month < 12; month += 1) {
    const name = 3 * month;
    if (
      bytes[at] === months.charCodeAt(name) &&
      bytes[at + 1] === months.charCodeAt(name + 1) &&
      bytes[at + 2] === months.charCodeAt(name + 2)
    ) {
      return bytes[at + 3] === space ? month : -1;
    }
  }
  return -1;
}

/** Milliseconds in `HH:MM:SS`; -1 when it is none. */
function timeOfDayMs(bytes: Uint8Array, at: number): number {
  if (bytes[at + 2] !== colon || bytes[at + 5] !== colon) return -1;
  const hours = decimal(bytes, at, 2);
  const minutes = decimal(bytes, at + 3, 2);
  const seconds = decimal(bytes, at + 6, 2);
  // 60 is a leap second.
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) {
    return -1;
  }
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

function skipFraction(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || (bytes[at] !== dot && bytes[at] !== comma)) return at;
  let next = at + 1;
  while (next < end && decimal(bytes, next, 1) >= 0) next += 1;
  return next;
}

/** Whole milliseconds in the fraction of a second from `at` to `end`. */
function fractionMs(bytes: Uint8Array, at: number, end: number): number {
  let [milliseconds, unit] = [0, 100];
  for (let index = at + 1; index < end && unit >= 1; index += 1) {
    milliseconds += decimal(bytes, index, 1) * unit;
    unit /= 10;
  }
  return milliseconds;
}

function skipSpaces(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && bytes[next] === space) next += 1;
  return next;
}
