/**
 * What a line of a server's log says, read from its bytes: that a client has connected, something
 * else that a server or a program of ours says, or nothing known.
 *
 * `tcpsvd: info: pid 9185 from 127.0.0.1` of tcpsvd -v and `tcpserver: pid 9227 from ::1` of
 * tcpserver -v, sslserver too, are one connection each; what becomes of it, other lines say. Of rater
 * it is `rater: debug: hit: class=ip value=127.0.0.1 status=0`, written at log_level 4. In front of
 * them may be a stamp, and what syslog puts there: `host tag[pid]:`, or `tag:`.
 *
 * Guarantee: whatever the bytes are, a line is read without an error and without copying it; only
 * lines in JSON, hits of rater and IPv6 addresses become strings.
 */
import { ipv4BitsIn, parseAddress } from '../core/address.ts';
import { shortestValue, type Value } from '../core/value.ts';
import { readJsonLine } from './json-line.ts';
import { StampReader, type StampRules } from './stamps.ts';

/**
 * What a line is:
 * - `connection`: a client came at `atMs`;
 * - `other`: known, but nothing that counts;
 * - `undated`: a connection of which it does not say when;
 * - `no address`: a connection from something that is none;
 * - `unknown`: nothing that these programs say.
 */
export type LineKind = 'connection' | 'other' | 'undated' | 'no address' | 'unknown';

const carriageReturn = 0x0d;
const space = 0x20;
const colon = 0x3a;
const brace = 0x7b;

const servers = ['tcpsvd: info: ', 'tcpserver: ', 'sslserver: '].map((word) => Buffer.from(word));
/** What else these programs say begins so. */
const programs = ['tcpsvd: ', 'rater: ', 'ratecheck: ', 'ipthrottle: '].map((word) =>
  Buffer.from(word),
);
/** syslog writes the name of a program in front of the name that it says itself. */
const tagged = ['tcpsvd: ', 'tcpserver: ', 'sslserver: ', 'rater: '].map((tag) => ({
  tag,
  twice: Buffer.from(tag + tag),
}));
const pid = Buffer.from('pid ');
const from = Buffer.from(' from ');
const raterHit = /^rater: debug: hit: class=("(?:[^"\\]|\\.)*"|\S+) value=("(?:[^"\\]|\\.)*"|\S+) /;

function startsWith(bytes: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (end - at < word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (bytes[at + index] !== word[index]) return false;
  }
  return true;
}

/** Behind the first of these words that is at `at`; -1 when none is. */
function behind(words: readonly Uint8Array[], bytes: Uint8Array, at: number, end: number): number {
  for (const word of words) if (startsWith(bytes, at, end, word)) return at + word.length;
  return -1;
}

export class LogLineReader {
  /** When, wall milliseconds; NaN when the line does not say. */
  atMs = Number.NaN;
  /** The class that a hit of rater names; '' for a connection to a server. */
  class = '';
  /** The client: the bits of an IPv4 address, or the text of another value. */
  value: Value = 0;
  readonly #stamps: StampReader;

  constructor(rules: StampRules) {
    this.#stamps = new StampReader(rules);
  }

  /** Reads the line from `start` to `end`, where its LF is. */
  read(bytes: Buffer, start: number, end: number): LineKind {
    const last = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    if (bytes[start] === brace) return this.#readJson(bytes, start, last);
    const text = this.#stamps.read(bytes, start, last);
    this.atMs = this.#stamps.atMs;
    return this.#dated(this.#readText(bytes, text, last));
  }

  #dated(kind: LineKind): LineKind {
    return kind === 'connection' && Number.isNaN(this.atMs) ? 'undated' : kind;
  }

  /** The text behind a stamp, which may begin as syslog does. */
  #readText(bytes: Buffer, start: number, end: number): LineKind {
    let kind = this.#readMessage(bytes, start, end);
    if (kind === 'other') return this.#readTagged(bytes, start, end);
    let at = start;
    for (let words = 0; kind === 'unknown' && words < 2; words += 1) {
      while (at < end && bytes[at] !== space) at += 1;
      if (at >= end) break;
      at += 1;
      if (bytes[at - 2] === colon) kind = this.#readMessage(bytes, at, end);
    }
    return kind;
  }

  #readTagged(bytes: Buffer, start: number, end: number): LineKind {
    for (const { tag, twice } of tagged) {
      // Quick to say no, because most lines come here.
      if (bytes[start + tag.length] !== bytes[start]) continue;
      if (!startsWith(bytes, start, end, twice)) continue;
      return this.#readMessage(bytes, start + tag.length, end);
    }
    return 'other';
  }

  #readMessage(bytes: Buffer, start: number, end: number): LineKind {
    const said = behind(servers, bytes, start, end);
    if (said >= 0) return this.#readServer(bytes, said, end);
    if (behind(programs, bytes, start, end) < 0) return 'unknown';
    const [, name, value] = raterHit.exec(bytes.toString('utf8', start, end)) ?? [];
    if (name === undefined || value === undefined) return 'other';
    return this.#take(unquoted(name), unquoted(value));
  }

  /** What a server says: a connection is `pid NUMBER from ADDRESS`. */
  #readServer(bytes: Buffer, start: number, end: number): LineKind {
    if (!startsWith(bytes, start, end, pid)) return 'other';
    let at = start + pid.length;
    while (at < end && bytes[at] !== space) at += 1;
    if (!startsWith(bytes, at, end, from)) return 'other';
    const address = at + from.length;
    this.class = '';
    const bits = ipv4BitsIn(bytes, address, end);
    if (bits !== undefined) {
      this.value = bits;
      return 'connection';
    }
    const { text } = parseAddress(bytes.toString('latin1', address, end)) ?? {};
    if (text === undefined) return 'no address';
    this.value = shortestValue(text);
    return 'connection';
  }

  #readJson(bytes: Buffer, start: number, end: number): LineKind {
    const line = readJsonLine(bytes.toString('utf8', start, end));
    this.atMs = line?.atMs ?? Number.NaN;
    if (!line) return 'unknown';
    if ('class' in line) return this.#dated(this.#take(line.class, line.value));
    if (line.message === undefined) return 'other';
    // What a program writes may itself be JSON, or have a stamp of its own, which is exacter.
    const { atMs } = this;
    const message = Buffer.from(line.message);
    const kind = this.read(message, 0, message.length);
    if (Number.isNaN(this.atMs)) this.atMs = atMs;
    return kind === 'undated' ? this.#dated('connection') : kind;
  }

  #take(name: string, value: string): LineKind {
    this.class = name;
    this.value = value;
    return 'connection';
  }
}

/** What `quoted` made it from, as far as it was not capped. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
