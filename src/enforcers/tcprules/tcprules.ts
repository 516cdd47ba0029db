/**
 * The language of tcprules(1): the admin's rules source as cdb records.
 *
 * Guarantee: a source without foreign lines gives the records that djb's tcprules writes, byte for
 * byte (so the text is handled as Latin-1), and a mistake wherever djb's tcprules refuses.
 *
 * A mistake is one in djb's language only: a successor may know what the line says.
 *
 * Foreign lines are those only some successors of djb's tcprules understand (IPv6 addresses,
 * CIDR). They encode such keys differently by version: only the installed tcprules may compile them.
 *
 * It does no I/O.
 */
import { type Address, isSingle, parseNetwork } from '../../core/address.ts';
import { type CdbRecord, latin1 } from '../cdb/cdb.ts';

/** Lines are counted from 1; `text` is Latin-1. */
export type ForeignLine = { readonly line: number; readonly text: string };
/** A line that djb's tcprules refuses, and why. */
export type Mistake = ForeignLine & { readonly what: string };

export type Rules = {
  /** In the order of the source; servers use the first of records with equal keys. */
  readonly records: readonly CdbRecord[];
  readonly foreign: readonly ForeignLine[];
  readonly mistakes: readonly Mistake[];
};

const politeVariable = 'RBLSMTPD=';

/** The data of a rule that says `deny` and nothing else. */
export const denyData: Uint8Array = latin1('D\0');

export function parseRules(source: Uint8Array): Rules {
  const records: CdbRecord[] = [];
  const foreign: ForeignLine[] = [];
  const mistakes: Mistake[] = [];
  const text = Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('latin1');
  for (const [index, whole] of text.split('\n').entries()) {
    const line = ruleIn(whole);
    if (line === undefined) continue;
    if (isForeign(line)) foreign.push({ line: index + 1, text: line });
    else {
      const rule = parseRule(line);
      if ('mistake' in rule) mistakes.push({ line: index + 1, text: line, what: rule.mistake });
      else for (const key of rule.keys) records.push([latin1(key), rule.data]);
    }
  }
  return { records, foreign, mistakes };
}

/** How a block is written: `deny`, or `allow` with the text of rblsmtpd(1)'s refusal. */
export type Refusal = { readonly data: Uint8Array; readonly instructions: string };

export const silentRefusal: Refusal = { data: denyData, instructions: 'deny' };

/** rblsmtpd would turn a leading hyphen into a 553, and the client's mail would bounce. */
export function politeRefusal(message: string): Refusal {
  const text = message.replace(/^-/, ' -');
  return {
    data: latin1(`+${politeVariable}${text}\0`),
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
export function isDenial(data: Uint8Array): boolean {
  return stringsIn(data).some((string) => string.startsWith('D'));
}

/** Whether tcpserver, or rblsmtpd behind it, refuses when it finds this data. */
export function isRefusal(data: Uint8Array): boolean {
  const variable = stringsIn(data).findLast((string) => string.startsWith(`+${politeVariable}`));
  return isDenial(data) || (variable !== undefined && variable !== `+${politeVariable}`);
}

function stringsIn(data: Uint8Array): string[] {
  return Buffer.from(data).toString('latin1').split('\0').slice(0, -1);
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

type Rule = { readonly keys: readonly string[]; readonly data: Uint8Array };
type Refused = { readonly mistake: string };

function parseRule(line: string): Rule | Refused {
  const colon = line.indexOf(':');
  const data = parseInstructions(line.slice(colon + 1));
  if (typeof data !== 'string') return data;
  const keys = expandRange(line.slice(0, colon));
  return keys ? { keys, data: latin1(data) } : { mistake: 'a range needs numbers on both sides' };
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
