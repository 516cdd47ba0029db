/**
 * The words of libconfig syntax, with @include files in place of their directives.
 *
 * Guarantee: ends for any bytes, in time and memory proportional to `maxBytes`; errors become a
 * mistake and a `bad` token, never an exception. Works on bytes, because `\xHH` names a byte and a
 * 2007 file may hold Latin-1 comments; only strings must be UTF-8.
 *
 * Stricter than libconfig 1.x where that helps the admin: a string must end on its line, and a word
 * that is neither name nor number is reported whole instead of in pieces.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { reasonOf } from '../runtime/errors.ts';
import { type Mistakes, type Place, quotedValue } from './mistakes.ts';
import { readBounded } from './read-bounded.ts';

export type Token = { readonly place: Place } & (
  | { readonly kind: 'name' | 'string' | 'bad' | 'end'; readonly text: string }
  | { readonly kind: 'punctuation'; readonly text: string }
  | { readonly kind: 'int' | 'float'; readonly text: string; readonly value: number }
  | { readonly kind: 'boolean'; readonly text: string; readonly value: boolean }
);

/** Of all files of one configuration together. */
export const maxBytes = 4 * 1024 * 1024;
const deepestInclude = 10;
/** Bytes that a file counts at least, so that a million empty ones cannot be included. */
const leastCost = 1024;

const blank = /[ \t\r\f]+/y;
const includeOpen = /[ \t]*@include[ \t]+(?=")/y;
const word = /(?:(?!\/[/*])[^ \t\r\n\f;,(){}[\]"=:#])+/y;
/** Other quotes than `"`, in UTF-8 or Windows-1252, as word processors and web pages have them. */
const otherQuote =
  /\xe2\x80[\x98-\x9f\xb2-\xb7\xb9\xba]|\xc2[\xab\xbb]|\xef\xbc\x82|[\x91-\x94\xab\xbb'`]/;
/** A text in such quotes up to where the value ends, or all of its line. */
const otherwiseQuoted = new RegExp(
  `(?:${otherQuote.source})[^\\n]*?(?:(?:${otherQuote.source}|")(?=[ \\t]*[,;)\\]}:=\\r\\n]|$)|(?=\\n|$))`,
  'y',
);
const name = /^[A-Za-z*][-A-Za-z0-9_*]*$/;
const decimal = /^[-+]?\d+L{0,2}$/;
const hexadecimal = /^0[xX][\dA-Fa-f]+L{0,2}$/;
const float = /^[-+]?(?:(?:\d*\.\d+|\d+\.\d*)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)$/;

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  '"': '"',
  '\\': '\\',
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bytesOf(binary: string): Uint8Array {
  return Buffer.from(binary, 'latin1');
}

function shown(binary: string): string {
  return quotedValue(Buffer.from(binary, 'latin1').toString('utf8'));
}

/** Where Windows-1252 differs from Latin-1. */
const quotesOfWindows: Readonly<Record<string, string>> = {
  '\x91': '‘',
  '\x92': '’',
  '\x93': '“',
  '\x94': '”',
};

/** What stands at the beginning of a text in other quotes. */
function quoteIn(binary: string): string {
  const quote = otherQuote.exec(binary)?.[0] ?? '';
  return quote.length === 1 ? (quotesOfWindows[quote] ?? quote) : utf8.decode(bytesOf(quote));
}

function classify(text: string, place: Place): Token | undefined {
  if (/^(?:true|false)$/i.test(text)) {
    return { kind: 'boolean', text, value: text.toLowerCase() === 'true', place };
  }
  if (name.test(text)) return { kind: 'name', text, place };
  if (float.test(text)) return { kind: 'float', text, value: Number(text), place };
  if (!decimal.test(text) && !hexadecimal.test(text)) return undefined;
  const value = Number(text.replace(/L+$/, ''));
  return Number.isSafeInteger(value) ? { kind: 'int', text, value, place } : undefined;
}

/** One file's text on its way to tokens. */
class Source {
  readonly file: string;
  readonly #text: string;
  readonly #mistakes: Mistakes;
  #at = 0;
  #line = 1;

  constructor(file: string, bytes: Uint8Array, mistakes: Mistakes) {
    this.file = file;
    this.#text = Buffer.from(bytes).toString('latin1');
    this.#mistakes = mistakes;
    if (this.#text.startsWith('\xef\xbb\xbf')) this.#at = 3;
  }

  get place(): Place {
    return { file: this.file, line: this.#line };
  }

  /** The next token, or undefined at the end. */
  next(): Token | { readonly kind: 'include'; readonly text: string; place: Place } | undefined {
    for (;;) {
      const lineStart = this.#at === 0 || this.#text[this.#at - 1] === '\n';
      if (lineStart && this.#take(includeOpen) !== undefined) {
        const { place } = this;
        const target = this.#string();
        if (target.kind !== 'string') continue;
        return { kind: 'include', text: target.text, place };
      }
      this.#take(blank);
      const character = this.#text[this.#at];
      if (character === undefined) return undefined;
      if (character === '\n') {
        this.#at += 1;
        this.#line += 1;
      } else if (character === '"') {
        return this.#string();
      } else if (!this.#skipComment()) {
        return this.#word();
      }
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #skipComment(): boolean {
    const opening = this.#text.slice(this.#at, this.#at + 2);
    if (opening.startsWith('#') || opening === '//') {
      const end = this.#text.indexOf('\n', this.#at);
      this.#at = end < 0 ? this.#text.length : end;
      return true;
    }
    if (opening !== '/*') return false;
    const end = this.#text.indexOf('*/', this.#at + 2);
    if (end < 0) this.#mistakes.add(this.place, 'comment /* is not closed');
    const next = end < 0 ? this.#text.length : end + 2;
    for (let index = this.#at; index < next; index += 1) {
      if (this.#text[index] === '\n') this.#line += 1;
    }
    this.#at = next;
    return true;
  }

  #word(): Token {
    const { place } = this;
    const quoted = this.#take(otherwiseQuoted);
    if (quoted !== undefined) {
      const hint = `a text needs quotes, and ${quoteIn(quoted)} is not "`;
      return this.#bad(place, `${shown(quoted)} is no name or number; ${hint}`);
    }
    const text = this.#take(word);
    if (text === undefined) {
      this.#at += 1;
      return { kind: 'punctuation', text: this.#text[this.#at - 1] as string, place };
    }
    const token = classify(text, place);
    if (token) return token;
    if (text.startsWith('@include')) {
      this.#take(blank);
      this.#take(otherwiseQuoted);
      return this.#bad(place, '@include must begin its line and be followed by "file"');
    }
    if (decimal.test(text) || hexadecimal.test(text)) {
      return this.#bad(place, `${shown(text)} is too large a number`);
    }
    return this.#bad(place, `${shown(text)} is no name or number; a text needs quotes`);
  }

  #bad(place: Place, mistake: string): Token {
    this.#mistakes.add(place, mistake);
    return { kind: 'bad', text: '', place };
  }

  #string(): Token {
    const { place } = this;
    let binary = '';
    for (this.#at += 1; ; this.#at += 1) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '\n') {
        return this.#bad(place, 'string is not closed on its line');
      }
      if (character === '"') break;
      binary += character === '\\' ? this.#escape() : character;
    }
    this.#at += 1;
    if (binary.includes('\0')) return this.#bad(place, 'string holds a NUL byte');
    try {
      return { kind: 'string', text: utf8.decode(bytesOf(binary)), place };
    } catch {
      return this.#bad(place, `string ${shown(binary)} is not UTF-8`);
    }
  }

  /** What the escape at the backslash stands for; the backslash itself if it is unknown. */
  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    const digits = /^[xX]([\dA-Fa-f]{2})/.exec(this.#text.slice(this.#at + 1, this.#at + 4))?.[1];
    if (digits !== undefined) {
      this.#at += 3;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meant = escapes[letter];
    if (meant === undefined) return '\\';
    this.#at += 1;
    return meant;
  }
}

/** What was read, by absolute path in the order of reading; undefined: it could not be. */
export type ReadFiles = Map<string, Uint8Array | undefined>;

/** The tokens of `file` and what it includes, then endless `end` tokens. What was read goes to `files`. */
export function* tokensOf(
  file: string,
  mistakes: Mistakes,
  files: ReadFiles,
): Generator<Token, never> {
  let budget = maxBytes;
  const open: Source[] = [];

  function enter(path: string, place: Place, written: string): void {
    const absolute = resolve(path);
    files.set(absolute, files.get(absolute));
    if (/\p{Cc}/u.test(written)) {
      mistakes.add(place, `@include ${quotedValue(written)} is no file name`);
    } else if (open.length > deepestInclude) {
      mistakes.add(place, `@include deeper than ${deepestInclude} files`);
    } else if (open.some((source) => resolve(source.file) === absolute)) {
      mistakes.add(place, `@include ${quotedValue(written)} includes itself`);
    } else {
      try {
        const bytes = readBounded(path, budget);
        files.set(absolute, bytes);
        budget -= Math.max(leastCost, bytes?.length ?? 0);
        if (bytes && budget >= 0) open.push(new Source(path, bytes, mistakes));
        else mistakes.add(place, `more than ${maxBytes} bytes of configuration`);
      } catch (error) {
        const what = written === '' ? 'cannot read' : `cannot read ${quotedValue(written)}`;
        mistakes.add(place, `${what}: ${reasonOf(error).replace(/, .*/s, '')}`);
      }
    }
  }

  enter(file, { file }, '');
  let place: Place = { file };
  for (;;) {
    const source = open.at(-1);
    const token = source?.next();
    if (token?.kind === 'include') {
      const { text } = token;
      enter(isAbsolute(text) ? text : join(dirname(token.place.file), text), token.place, text);
    } else if (token) {
      yield token;
    } else if (source) {
      ({ place } = source);
      open.pop();
    } else {
      yield { kind: 'end', text: '', place };
    }
  }
}
