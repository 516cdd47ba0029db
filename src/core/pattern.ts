/**
 * Patterns that select the values of a limit: fnmatch(3) globs or CIDR networks.
 *
 * Globs match as in fnmatch(3) without flags and in the C locale, but a character is a code point:
 * `*` matches any text, also `/` and a leading dot; `?`, `[a-z]`, `[!a]`, `\x`. As in glibc, a lone
 * `\` at the end and an unknown `[:name:]` match nothing, and an unclosed `[` stands for itself.
 * Collating symbols `[.x.]` and `[=x=]` are not supported: their characters stand for themselves.
 * Guarantee: matching takes at most pattern length times value length steps, whatever the value,
 * because values come from the network.
 */
import { type Address, contains, parseNetwork } from './address.ts';

/** A compiled pattern. `address` is given for values of an address class. */
export type Pattern = {
  readonly text: string;
  /** The address or network that it is; undefined for a glob. */
  readonly network?: Address;
  matches(value: string, address: Address | undefined): boolean;
};

/** Part of a glob; the `source` of an atom for one character is how it was written. */
export type Atom =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | {
      readonly kind: 'one';
      readonly source: string;
      /** The only character that it matches, where it is written as itself. */
      readonly literal?: number;
      matches(character: number): boolean;
    };

const named: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t-\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** Also of more than fit in the arguments of a call. */
function textOf(characters: readonly number[]): string {
  return characters.map((character) => String.fromCodePoint(character)).join('');
}

const [star, question, open, close, backslash, bang, caret, dash, colon] = codePoints(
  '*?[]\\!^-:',
) as [number, number, number, number, number, number, number, number, number];

type Bracket = { readonly atom: Atom; readonly next: number };

/** Matches no character. */
export const nothing: Atom = { kind: 'one', source: '', matches: () => false };

type Test = (character: number) => boolean;

type NamedTest = { readonly test: Test | undefined; readonly next: number };

/** `[:name:]` at `at` inside a bracket, without a test when the name is unknown. */
function parseNamed(pattern: readonly number[], at: number): NamedTest | undefined {
  if (pattern[at] !== open || pattern[at + 1] !== colon) return undefined;
  const end = pattern.indexOf(colon, at + 2);
  if (end < 0 || pattern[end + 1] !== close) return undefined;
  const name = textOf(pattern.slice(at + 2, end));
  if (!/^[a-z]*$/.test(name)) return undefined;
  const range = Object.hasOwn(named, name) ? named[name] : undefined;
  const test = range && ((character: number) => range.test(String.fromCodePoint(character)));
  return { test, next: end + 2 };
}

type RangeTest = { readonly test: Test; readonly next: number };

/** The character at `at` and the index after it; a backslash gives the next one. */
function parseCharacter(pattern: readonly number[], at: number): readonly [number, number] {
  const isEscape = pattern[at] === backslash && pattern[at + 1] !== undefined;
  return isEscape ? [pattern[at + 1] as number, at + 2] : [pattern[at] as number, at + 1];
}

/** `a` or `a-z` at `at`; undefined when the pattern ends at the dash. */
function parseRange(pattern: readonly number[], at: number): RangeTest | undefined {
  const [low, afterLow] = parseCharacter(pattern, at);
  if (pattern[afterLow] !== dash || pattern[afterLow + 1] === close) {
    return { test: (character) => character === low, next: afterLow };
  }
  if (pattern[afterLow + 1] === undefined) return undefined;
  const [high, next] = parseCharacter(pattern, afterLow + 1);
  return { test: (character) => character >= low && character <= high, next };
}

/** `[...]` starting at `at`, or undefined when it is not closed: then `[` stands for itself. */
function parseBracket(pattern: readonly number[], at: number): Bracket | undefined {
  const negated = pattern[at + 1] === bang || pattern[at + 1] === caret;
  const start = negated ? at + 2 : at + 1;
  const tests: Test[] = [];
  let isSound = true;
  let index = start;
  while (index === start || pattern[index] !== close) {
    if (pattern[index] === undefined) return isSound ? undefined : { atom: nothing, next: index };
    const known = parseNamed(pattern, index);
    const { test, next } = known ?? parseRange(pattern, index) ?? { test: undefined, next: index };
    if (!known && !test) return { atom: nothing, next };
    if (isSound && test) tests.push(test);
    else isSound = false;
    index = next;
  }
  const matches = (character: number) =>
    tests.some((test) => test(character)) ? !negated : negated && isSound;
  const source = textOf(pattern.slice(at, index + 1));
  return { atom: { kind: 'one', source, matches }, next: index + 1 };
}

function literal(wanted: number): Atom {
  const source = String.fromCodePoint(wanted);
  return { kind: 'one', source, literal: wanted, matches: (character) => character === wanted };
}

export function parseGlob(text: string): Atom[] {
  const pattern = codePoints(text);
  const atoms: Atom[] = [];
  for (let index = 0; index < pattern.length; ) {
    const character = pattern[index] as number;
    const bracket = character === open ? parseBracket(pattern, index) : undefined;
    if (bracket) {
      atoms.push(bracket.atom);
      index = bracket.next;
      continue;
    }
    index += 1;
    if (character === star) {
      if (atoms.at(-1)?.kind !== 'star') atoms.push({ kind: 'star' });
    } else if (character === question) {
      atoms.push({ kind: 'any' });
    } else if (character === backslash) {
      const escaped = pattern[index];
      atoms.push(escaped === undefined ? nothing : literal(escaped));
      index += 1;
    } else {
      atoms.push(literal(character));
    }
  }
  return atoms;
}

/**
 * Whether the atoms match all of `value`, of which `accepts` says what one atom that is no star
 * matches; on a mismatch only the last star is tried again.
 */
export function matchAtoms<Part>(
  atoms: readonly Atom[],
  value: readonly Part[],
  accepts: (atom: Exclude<Atom, { kind: 'star' }>, part: Part) => boolean,
): boolean {
  let [atomAt, valueAt, starAt, resumeAt] = [0, 0, -1, 0];
  while (valueAt < value.length) {
    const atom = atoms[atomAt];
    if (atom?.kind === 'star') {
      starAt = atomAt++;
      resumeAt = valueAt;
    } else if (atom && accepts(atom, value[valueAt] as Part)) {
      atomAt += 1;
      valueAt += 1;
    } else if (starAt >= 0) {
      atomAt = starAt + 1;
      valueAt = ++resumeAt;
    } else {
      return false;
    }
  }
  while (atoms[atomAt]?.kind === 'star') atomAt += 1;
  return atomAt === atoms.length;
}

function acceptsCharacter(atom: Exclude<Atom, { kind: 'star' }>, character: number): boolean {
  return atom.kind === 'any' || atom.matches(character);
}

/** Found in a glob, but not in plain text. */
export const special = /[*?[\\]/;

/** A glob. A lone `*` and a pattern without special characters take a shortcut. */
export function globPattern(text: string): Pattern {
  if (text === '*') return { text, matches: () => true };
  if (!special.test(text)) return { text, matches: (value) => value === text };
  const atoms = parseGlob(text);
  return { text, matches: (value) => matchAtoms(atoms, codePoints(value), acceptsCharacter) };
}

/**
 * A pattern of an address class: one address in any spelling or a CIDR network when it parses as
 * such, else a glob on the canonical text. Undefined when it can match no address: it has a slash
 * but is not a network, or it has no special character and is not an address.
 */
export function addressPattern(text: string): Pattern | undefined {
  const network = parseNetwork(text);
  if (network) {
    const matches: Pattern['matches'] = (_, address) => {
      return address !== undefined && contains(network, address);
    };
    return { text, network, matches };
  }
  return text.includes('/') || !special.test(text) ? undefined : globPattern(text);
}
