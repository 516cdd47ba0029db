/**
 * One block as a file in tcpsvd's instructions directory: its name, its mode, its text, and how it
 * differs from a file of the admin's.
 *
 * tcpsvd goes by the owner's permission bits. Mode 0200, neither readable nor executable, means
 * "close the connection", and the text is never read. Mode 0555 is a command that runs instead of
 * the server's program: ours says an SMTP 421 and ends. Everybody may read it, because tcpsvd must
 * and may run as any user. Nobody may write it, because tcpsvd -t removes a writable file some time
 * after its last reading: too early, or never while clients keep coming.
 *
 * Guarantee: the only thing from the network in the text is the address, in canonical form.
 *
 * It does no I/O.
 */

import type { Stats } from 'node:fs';
import { type Address, networkOf, parseNetwork } from '../../core/address.ts';
import type { Block, BlockSource } from '../../core/block.ts';
import { permissionBits, userExecute, userReadOrExecute } from '../../files/mode-bits.ts';

export const silentMode = 0o200;
export const politeMode = 0o555;
/**
 * The mode of a silent file until it is complete. The file refuses already, and the sticky bit,
 * which nobody else sets on a file, shows that it is ours before it has the time of its end.
 */
export const unfinishedMode = 0o1200;

/** Generous bounds for the bytes of a file of ours. */
const shortestText = 100;
const longestText = 4096;

/** The whole second at which a block is over: tcpsvd compares whole seconds. */
export function endSecond(untilMs: number): number {
  return Math.ceil(untilMs / 1000);
}

/**
 * The name of the file that denies `address`: a.b.c.d, or fewer octets for /24, /16 and /8.
 * Undefined for what tcpsvd cannot express: IPv6, other prefixes.
 */
export function peerFileName(address: Address): string | undefined {
  if (address.family !== 4 || address.prefixLength % 8 !== 0 || address.prefixLength === 0) {
    return undefined;
  }
  return address.octets.slice(0, address.prefixLength / 8).join('.');
}

/** The names under which tcpsvd looks up an address or network, best first. */
export function* namesFor(address: Address): Generator<string> {
  for (let length = address.prefixLength; length >= 8; length -= length % 8 || 8) {
    const name = peerFileName(networkOf(address, length));
    if (name !== undefined) yield name;
  }
}

/** The address or network that a peer file's name stands for, or undefined. */
export function addressOfPeerFile(name: string): Address | undefined {
  const octets = name.split('.');
  if (octets.length > 4) return undefined;
  const padded = [...octets, ...Array<string>(4 - octets.length).fill('0')].join('.');
  const address = parseNetwork(`${padded}/${octets.length * 8}`);
  return address && peerFileName(address) === name ? address : undefined;
}

/** The text of a silent file, one `name value` a line. */
export function peerFileText(block: Block): string {
  return lines(record(block));
}

/**
 * The text of a polite file for /bin/sh: the same lines as comments, then the refusal. Any part
 * that survives a power loss is still a command that runs instead of the program, so nobody gets
 * in.
 */
export function politeFileText(block: Block, message: string): string {
  const comments = record(block).map((line) => `# ${line}`);
  return lines([...comments, `printf '%s\\r\\n' ${shellQuoted(`421 4.7.0 ${message}`)}`]);
}

function record(block: Block): string[] {
  return [
    'ipthrottle block',
    `address ${block.address.text}`,
    `class ${block.class}`,
    `rate ${block.count}/${block.limit} in ${block.seconds}`,
    `since ${new Date(block.sinceMs).toISOString()}`,
    `until ${new Date(block.untilMs).toISOString()}`,
    `times ${block.times}`,
    `source ${block.source}`,
  ];
}

const recordPattern = new RegExp(
  [
    '^ipthrottle block',
    'address (?<address>\\S+)',
    'class (?<class>\\S+)',
    'rate (?<count>\\d{1,15})/(?<limit>-?\\d{1,15}) in (?<seconds>\\d{1,15})',
    'since (?<since>[\\dTZ:.+-]+)',
    'until (?<until>[\\dTZ:.+-]+)',
    'times (?<times>[1-9]\\d{0,14})',
    'source (?<source>rate|operator)\n',
  ].join('\n'),
);

/**
 * The block that a silent or polite file's text describes; undefined when the text is not ours or
 * incomplete. Whatever the text lacks is as in a block without a reason.
 */
export function blockInPeerFile(text: string): Block | undefined {
  const fields = recordPattern.exec(text.replace(/^# /gm, ''))?.groups;
  const address = fields && parseNetwork(fields.address ?? '');
  const [sinceMs, untilMs] = [Date.parse(fields?.since ?? ''), Date.parse(fields?.until ?? '')];
  if (!address || address.text !== fields.address) return undefined;
  if (Number.isNaN(sinceMs) || Number.isNaN(untilMs)) return undefined;
  return {
    address,
    class: fields.class ?? '',
    sinceMs,
    untilMs,
    count: Number(fields.count),
    limit: Number(fields.limit),
    seconds: Number(fields.seconds),
    times: Number(fields.times),
    source: fields.source as BlockSource,
    reason: '',
    replacedUntilMs: 0,
  };
}

/** Whether a file without a block may be ours, so that its text is worth reading. */
export function mayBeOurs(stats: Stats, uid: number): boolean {
  const mode = stats.mode & permissionBits;
  return (
    stats.isFile() &&
    stats.uid === uid &&
    (mode === silentMode || mode === politeMode) &&
    stats.size >= shortestText &&
    stats.size <= longestText
  );
}

/** Whether it is a file of ours whose maker was killed before completing it. */
export function isUnfinished(stats: Stats): boolean {
  return stats.isFile() && (stats.mode & permissionBits) === unfinishedMode;
}

/** The configuration allows only these characters; a line that broke would be a command. */
function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text.replace(/[^ -~]/g, '?')}\n`).join('');
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function isDeny(stats: Stats): boolean {
  return stats.isFile() && (stats.mode & userReadOrExecute) === 0;
}

/** Whether tcpsvd runs the file, which then alone decides what becomes of the client. */
export function isCommand(stats: Stats): boolean {
  return stats.isFile() && (stats.mode & userExecute) !== 0;
}

/** Whether the file is that of this block, in either mode, or of the end that it replaced. */
export function isOurs(stats: Stats, block: Block): boolean {
  if (isUnfinished(stats)) return true;
  const mode = stats.mode & permissionBits;
  if (!stats.isFile() || (mode !== silentMode && mode !== politeMode)) return false;
  const second = Math.round(stats.mtimeMs / 1000);
  return (
    second === endSecond(block.untilMs) ||
    (block.replacedUntilMs > 0 && second === endSecond(block.replacedUntilMs))
  );
}

/** Whether a file of ours ends when this block does. */
export function isInTime(stats: Stats, block: Block): boolean {
  return Math.round(stats.mtimeMs / 1000) === endSecond(block.untilMs);
}

/** Whether a file of ours is as it should be. One without text was made on a full disk. */
export function isComplete(stats: Stats, block: Block, mode: number): boolean {
  const hasMode = (stats.mode & permissionBits) === mode;
  return hasMode && stats.size > 0 && isInTime(stats, block);
}
