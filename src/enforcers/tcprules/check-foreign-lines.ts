/**
 * Lines of the administrator's rules with IPv6 or networks in CIDR notation: whether the installed
 * tcprules(1) takes them, and whether its tcpserver ever looks them up.
 */
import { type Address, isSingle, parseNetwork } from '../../core/address.ts';
import { type Finding, problem } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import { programIn } from '../../runtime/program-in.ts';
import { installedLookups, refusalOfTcprules, refusesByRule } from './installed-tcprules.ts';
import { type Lookups, spellings, writtenKeys } from './lookups.ts';
import { type ForeignLine, keyOf } from './tcprules.ts';

type Installed = {
  readonly source: string;
  readonly lookups: Lookups;
  /** Whether it looks up `192.0.2.0/24`. */
  readonly hasIPv4Networks: boolean;
};

export function checkForeignLines(
  source: string,
  lines: readonly ForeignLine[],
  searchPath: string,
): Finding[] {
  if (lines.length === 0) return [];
  if (!programIn(searchPath, 'tcprules')) {
    const what = `${source}:${lines[0]?.line}: IPv6 and CIDR lines need tcprules, which is not in PATH`;
    return [problem(`${what}, so the cdb stays as it was`, 'install ucspi-tcp or ucspi-tcp-ipv6')];
  }
  const lookups = installedLookups(source);
  const hasIPv4Networks = refusesByRule(source, '192.0.2.0/24', '192.0.2.1');
  return lines.flatMap((line) => foreignLine({ source, lookups, hasIPv4Networks }, line));
}

function foreignLine(installed: Installed, { line, text }: ForeignLine): Finding[] {
  const { source } = installed;
  const written = text.slice(0, text.search(/:(?:allow|deny)/));
  const where = `${source}:${line}: ${quoted(written)}`;
  if (refusalOfTcprules(source, text) !== undefined) {
    const what =
      'the installed tcprules refuses IPv6, so the cdb stays as it was and no block gets in';
    const remedy = 'remove the line, or install ucspi-tcp-ipv6, which looks up single addresses';
    return [problem(`${where}: ${what}`, remedy)];
  }
  const network = parseNetwork(written);
  if (!network || mayMatch(installed, written, network)) return [];
  const what = `${where}: the installed tcprules accepts this notation, and it never matches`;
  return [problem(what, insteadOf(installed.lookups, network))];
}

function mayMatch(installed: Installed, written: string, network: Address): boolean {
  const { source, lookups, hasIPv4Networks } = installed;
  if (!written.includes(':')) return hasIPv4Networks;
  if (!isSingle(network)) return network.family === 6 && lookups.ipv6Networks;
  const client = network.family === 4 ? `::ffff:${network.text}` : spellings(network).at(-1);
  return refusesByRule(source, written, client ?? written);
}

function insteadOf(lookups: Lookups, network: Address): string {
  const key = keyOf(network);
  const keys = key === undefined ? [] : writtenKeys(key, lookups);
  if (keys.length > 0) return `write ${keys.join(' and ')} instead`;
  if (network.family === 4) return 'write prefixes such as 192.0.2. and ranges instead';
  return 'write each address, or have ratecheck in the run script and use ipthrottle block or allow';
}
