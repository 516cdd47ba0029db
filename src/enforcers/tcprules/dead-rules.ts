/**
 * Rules that tcprules(1) takes without a word, and that never match or set something else than they
 * say. tcpserver compares text: a blank, an asterisk or a missing dot makes another key.
 *
 * Foreign lines and mistakes are not among them. Pure.
 */
import { ruleLinesIn } from './tcprules.ts';

/** `line` counts from 1; `remedy` says what would match, as far as it can be told. */
export type DeadRule = { readonly line: number; readonly why: string; readonly remedy: string };

type Flaw = {
  readonly is: RegExp;
  readonly why: string;
  /** The address without the flaw, as far as that can be told. */
  readonly mend?: (address: string) => string;
};

/** As Latin-1. */
const byteOrderMark = '\xef\xbb\xbf';
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const octetOrRange = `${octet}(?:-${octet})?`;
/** One address, a prefix or a range of either; only one octet may be a range, which is tried apart. */
const addresses = new RegExp(
  `^(?:(?:${octetOrRange}\\.){1,3}|(?:${octetOrRange}\\.){3}${octetOrRange})$`,
);
const oneAddress = new RegExp(`^(?:${octet}\\.){3}${octet}$`);
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const anyRemedy =
  'write an address such as 192.0.2.1, a prefix such as 192.0.2. or a range such as 192.0.2.1-9';

/** In the order in which they are told and mended. */
const flaws: readonly Flaw[] = [
  {
    is: new RegExp(`^${byteOrderMark}`),
    why: 'there is a byte order mark in front',
    mend: (address) => address.slice(byteOrderMark.length),
  },
  {
    is: /[ \t]/,
    why: 'there is a blank in it',
    mend: (address) => address.replaceAll(/[ \t]/g, ''),
  },
  {
    is: /^(?:ALL|KNOWN|LOCAL|PARANOID|UNKNOWN)$/,
    why: 'words of hosts.allow mean nothing here',
    mend: () => '',
  },
  {
    is: /\*/,
    why: 'an asterisk stands for nothing',
    mend: (address) => address.replace(/^\*$/, '').replace(/(?:\.\*)+\.?$/, '.'),
  },
  {
    is: /^[\d.-]*?(?:25[6-9]|2[6-9]\d|[3-9]\d\d|\d{4,})(?:[.-]|$)/,
    why: 'no octet is over 255',
  },
  {
    is: /(?:^|[.-])0\d/,
    why: 'addresses are looked up without leading zeros',
    mend: (address) => address.replaceAll(/(^|[.-])0+(?=\d)/g, '$1'),
  },
  {
    is: /^(?:[\d-]+\.){0,2}[\d-]*\d$/,
    why: 'a prefix ends in a dot',
    mend: (address) => `${address}.`,
  },
  {
    is: /^(?:[\d-]+\.){4}$/,
    why: 'a whole address has no dot at its end',
    mend: (address) => address.slice(0, -1),
  },
  {
    is: /^[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*$/,
    why: 'a host name begins with =',
    mend: (address) => `=${address}`,
  },
];

export function deadRules(source: string): DeadRule[] {
  const first = new Map<string, { readonly line: number; readonly data: string }>();
  return [...ruleLinesIn(source)].flatMap((rule) => {
    if (!rule || !('keys' in rule)) return [];
    const { line, text, keys, data } = rule;
    const written = text.slice(0, text.indexOf(':'));
    const dead = deadAddress(written) ?? (keys.length === 0 ? backwardRange(written) : undefined);
    if (dead) return [{ line, ...dead }];
    const before = keys.map((key) => first.get(key));
    for (const key of keys) if (!first.has(key)) first.set(key, { line, data });
    const wins = before[0];
    if (wins && before.every((each) => each !== undefined && each.data !== data)) {
      const why = `line ${wins.line} says something else of the same, and the first one counts`;
      return [{ line, why, remedy: 'keep the one that is meant' }];
    }
    return wrongVariables(data).map((variable) => ({ line, ...variable }));
  });
}

type Dead = Omit<DeadRule, 'line'>;

function deadAddress(written: string): Dead | undefined {
  if (mayMatch(written)) return undefined;
  if (written.includes('@')) {
    const why = 'behind @ only one address, or = and a host name, is looked up';
    return { why, remedy: 'write a rule for each address' };
  }
  const first = flaws.find(({ is }) => is.test(written));
  if (!first) return { why: 'it is no address, prefix or range', remedy: anyRemedy };
  let mended = written;
  for (const { is, mend } of flaws) if (mend && is.test(mended)) mended = mend(mended);
  if (!mayMatch(mended)) return { why: first.why, remedy: anyRemedy };
  const remedy = mended === '' ? 'write nothing in front of the colon' : `write ${mended}`;
  return { why: first.why, remedy };
}

/** Whether tcpserver looks up what the address says. */
function mayMatch(address: string): boolean {
  const at = address.lastIndexOf('@');
  if (at >= 0) {
    const behind = address.slice(at + 1);
    return oneAddress.test(behind) || /^=./.test(behind);
  }
  if (address === '' || address.startsWith('=')) return !/[ \t]/.test(address);
  return addresses.test(address) && (address.match(/-/g)?.length ?? 0) <= 1;
}

function backwardRange(written: string): Dead {
  const why = 'the range is backward, so it names nothing';
  const forward = written.replace(/(\d+)-(\d+)/, '$2-$1');
  return { why, remedy: mayMatch(forward) ? `write ${forward}` : anyRemedy };
}

/** Of `+NAME=VALUE` strings, those with a name that no program asks for. */
function wrongVariables(data: string): Dead[] {
  return data.split('\0').flatMap((string) => {
    const name = string.startsWith('+') ? string.slice(1, string.indexOf('=')) : undefined;
    if (name === undefined || variableName.test(name)) return [];
    const meant = name.trim();
    const why = `it sets a variable ${JSON.stringify(name)}, which no program looks for`;
    const remedy = variableName.test(meant)
      ? `write ${meant} right behind the comma`
      : 'write ,NAME="value" for each variable';
    return [{ why, remedy }];
  });
}
