/**
 * The language of tcprules(1): the admin's rules source as cdb records.
 *
 * Guarantee: a source without foreign lines gives the records that djb's tcprules writes, byte for
 * byte (so all text here is Latin-1), and a mistake wherever djb's tcprules refuses.
 *
 * A mistake is one in djb's language only: a successor may know what the line says.
 *
 * Foreign lines are those only some successors of djb's tcprules understand (IPv6 addresses,
 * CIDR). They encode such keys differently by version: only the installed tcprules may compile them.
 *
 * It does no I/O.
 */
import { type Address, isSingle, parseNetwork } from '../../core/address.ts';
import type { Work } from '../../runtime/work.ts';

/** Lines are counted from 1. */
export type ForeignLine = { readonly line: number; readonly text: string };
/** A line that djb's tcprules refuses, and why. */
export type Mistake = ForeignLine & { readonly what: string };
/** A line that djb's tcprules takes: the keys of its records, which all have the same data. */
export type Rule = ForeignLine & { readonly keys: readonly string[]; readonly data: string };
/** What has `keys` is a rule, what has `what` a mistake, and the rest are foreign. */
export type RuleLine = Rule | Mistake | ForeignLine;

/** The lines that are no rules of djb's. */
export type OtherLines = {
  readonly foreign: readonly ForeignLine[];
  readonly mistakes: readonly Mistake[];
};

const politeVariable = 'RBLSMTPD=';
/** Lines read between two pauses; a range makes 256 keys of one. */
const linesInStep = 32;

/**
 * The lines that say something, in order; servers use the first of equal keys. Undefined is a pause
 * for those who read in slices.
 */
export function* ruleLinesIn(source: string): Generator<RuleLine | undefined, void> {
  for (let line = 1, start = 0; start <= source.length; line += 1) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    const text = ruleIn(source.slice(start, end));
    if (text !== undefined) yield parseLine(line, text);
    if (line % linesInStep === 0) yield undefined;
    start = end + 1;
  }
}

/** Gives each rule to `onRule`, and returns the other lines. */
export function* readRules(source: string, onRule = (_rule: Rule) => {}): Work<OtherLines> {
  const foreign: ForeignLine[] = [];
  const mistakes: Mistake[] = [];
  for (const line of ruleLinesIn(source)) {
    if (!line) yield;
    else if ('keys' in line) onRule(line);
    else if ('what' in line) mistakes.push(line);
    else foreign.push(line);
  }
  return { foreign, mistakes };
}

/** Notes for each key whether it is denied; the first of equal ones decides. */
export function noteDecisions(decides: Map<string, boolean>): (rule: Rule) => void {
  return ({ keys, data }) => {
    for (const key of keys) if (!decides.has(key)) decides.set(key, isDenial(data));
  };
}

/** How a block is written: `deny`, or `allow` with the text of rblsmtpd(1)'s refusal. */
export type Refusal = { readonly data: string; readonly instructions: string };

export const silentRefusal: Refusal = { data: 'D\0', instructions: 'deny' };

/** rblsmtpd would turn a leading hyphen into a 553, and the client's mail would bounce. */
export function politeRefusal(message: string): Refusal {
  const text = message.replace(/^-/, ' -');
  return {
    data: `+${politeVariable}${text}\0`,
    instructions: `allow,${politeVariable}"${text}"`,
  };
}

/**
 * The key that refuses exactly this address or network; undefined when no key can express it. For
 * IPv6 it is the text of a rule, which only the installed tcprules knows how to encode.
 */
export function keyOf(address: Address): string | undefined {
  if (address.family === 6) return address.prefixLength > 0 ? address.text : undefined;
  if (isSingle(address)) return address.text;
  return [8, 16, 24].includes(address.prefixLength)
    ? prefixKey(address.octets, address.prefixLength / 8)
    : undefined;
}

/**
 * The keys under which tcpserver looks up an address, best first: the address, its prefixes that
 * end in a dot, the default. Those with $TCPREMOTEHOST or $TCPREMOTEINFO cannot be known
 * beforehand.
 */
export function lookupKeys(address: Address): string[] {
  const keys = isSingle(address) ? [address.text] : [];
  const wholeOctets = address.family === 4 ? Math.floor(address.prefixLength / 8) : 0;
  for (let octets = Math.min(wholeOctets, 3); octets > 0; octets--) {
    keys.push(prefixKey(address.octets, octets));
  }
  return [...keys, ''];
}

/** Only the installed tcprules knows how to encode such a key. */
export function isIPv6Key(key: string): boolean {
  return key.includes(':');
}

/** The address or network that one of our keys refuses. */
export function addressOfKey(key: string): Address | undefined {
  if (isIPv6Key(key) || !key.endsWith('.')) return parseNetwork(key);
  const octets = key.split('.').slice(0, -1);
  return parseNetwork(`${[...octets, '0', '0', '0'].slice(0, 4).join('.')}/${octets.length * 8}`);
}

/**
 * The network of a line that says deny, for which our own compiler is not enough; `unknown`: it
 * cannot be told; undefined: it denies nobody by address.
 */
export function deniedBy({ text }: ForeignLine): Address | 'unknown' | undefined {
  const written = /^([^=@]*?):deny(?:,.*)?$/s.exec(text)?.[1];
  return written === undefined ? undefined : (addressOfKey(written) ?? 'unknown');
}

function prefixKey(octets: readonly number[], count: number): string {
  return `${octets.slice(0, count).join('.')}.`;
}

/** Whether tcpserver closes the connection when it finds this data. */
export function isDenial(data: string): boolean {
  return stringsIn(data).some((string) => string.startsWith('D'));
}

/** Whether tcpserver, or rblsmtpd behind it, refuses when it finds this data. */
export function isRefusal(data: string): boolean {
  const variable = stringsIn(data).findLast((string) => string.startsWith(`+${politeVariable}`));
  return isDenial(data) || (variable !== undefined && variable !== `+${politeVariable}`);
}

function stringsIn(data: string): string[] {
  return data.split('\0').slice(0, -1);
}

/** The part of a line that djb's tcprules reads; undefined for a comment or without a colon. */
function ruleIn(whole: string): string | undefined {
  if (whole.startsWith('#')) return undefined;
  let end = whole.length;
  while (end > 0 && (whole[end - 1] === ' ' || whole[end - 1] === '\t')) end--;
  const line = whole.slice(0, end);
  return line.includes(':') ? line : undefined;
}

function isForeign(line: string): boolean {
  const address = line.slice(0, line.indexOf(':'));
  if (address.includes('/') && !/[=@]/.test(address)) return true;
  const hexadecimal = /^(?:[^=:]*@)?([0-9a-fA-F:.]*)(?:\/\d+)?:(?:allow|deny)/.exec(line)?.[1];
  return hexadecimal?.includes(':') ?? false;
}

type Refused = { readonly mistake: string };

function parseLine(line: number, text: string): RuleLine {
  if (isForeign(text)) return { line, text };
  const colon = text.indexOf(':');
  const data = parseInstructions(text.slice(colon + 1));
  if (typeof data !== 'string') return { line, text, what: data.mistake };
  const keys = expandRange(text.slice(0, colon));
  if (!keys) return { line, text, what: 'a range needs numbers on both sides' };
  return { line, text, keys, data };
}

const verbs = [
  ['deny', 'D\0'],
  ['allow', ''],
] as const;

function parseInstructions(text: string): string | Refused {
  const verb = verbs.find(([word]) => text.startsWith(word));
  if (!verb) return { mistake: 'after the address and a colon, it must say allow or deny' };
  let data: string = verb[1];
  let rest = text.slice(verb[0].length);
  while (rest !== '') {
    const variable = parseVariable(rest);
    if ('mistake' in variable) return variable;
    data += `+${variable.assignment}\0`;
    rest = variable.rest;
  }
  return data;
}

/** `,NAME=qVALUEq` for any byte q. As with djb's, the name may be empty or hold anything. */
function parseVariable(
  text: string,
): { readonly assignment: string; readonly rest: string } | Refused {
  if (!text.startsWith(',')) return { mistake: 'a comma must follow' };
  const equals = text.indexOf('=');
  if (equals < 0) return { mistake: 'a variable needs =' };
  const quote = text[equals + 1];
  if (quote === undefined) return { mistake: 'a value needs quotes' };
  const end = text.indexOf(quote, equals + 2);
  if (end < 0) return { mistake: `a value has no closing ${JSON.stringify(quote)}` };
  const assignment = text.slice(1, equals + 1) + text.slice(equals + 2, end);
  return { assignment, rest: text.slice(end + 1) };
}

/** `1.2.3.4-6` is three keys, `10.2-3.` two. Only the first hyphen counts, none beside = or @. */
function expandRange(address: string): string[] | undefined {
  const hyphen = address.indexOf('-');
  if (hyphen < 0 || /[=@]/.test(address)) return [address];
  const left = address.lastIndexOf('.', hyphen) + 1;
  const dot = address.indexOf('.', hyphen);
  const right = dot < 0 ? address.length : dot;
  const bottom = parseNumber(address.slice(left, hyphen));
  const top = parseNumber(address.slice(hyphen + 1, right));
  if (bottom === undefined || top === undefined) return undefined;
  const keys: string[] = [];
  for (let octet = bottom; octet <= Math.min(top, 255); octet++) {
    keys.push(address.slice(0, left) + octet + address.slice(right));
  }
  return keys;
}

/** As C reads an unsigned long: no digits are 0, excess bits fall off, a NUL ends it. */
function parseNumber(text: string): number | undefined {
  const digits = /^(\d*)(?:\0|$)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(BigInt.asUintN(64, BigInt(digits)));
}
