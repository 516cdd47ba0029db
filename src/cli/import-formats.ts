/**
 * Reads lists of blocks as other programs write them, and our own: lines of addresses or of `ipthrottle
 * export`, JSON of that, decisions of CrowdSec as JSON or CSV, and what fail2ban-client says.
 *
 * Guarantee: all mistakes are found, each with where it is. Nothing is left out without a word.
 */
import { type Entry, entryIn } from '../commands/entries.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';

export type Read = {
  /** Each where it stands, as lines of `import`. */
  readonly entries: readonly Entry[];
  /** Of what nothing can be made. */
  readonly mistakes: readonly string[];
  /** What is no block of an address, such as that of a country. */
  readonly leftOut: readonly string[];
};

/** An entry before it is read: where it stands, and its words. */
type Found = { readonly where: string } & (
  | { readonly line: string }
  | { readonly mistake: string }
  | { readonly leftOut: string }
);

export const formats: Readonly<Record<string, (text: string, nowMs: number) => Found[]>> = {
  lines: foundInLines,
  json: foundInJson,
  crowdsec: (text, nowMs) => (isJson(text) ? foundInJson(text, nowMs) : foundInCsv(text, nowMs)),
  fail2ban: foundInFail2ban,
};

/** The format that the text looks like. */
export function formatOf(text: string): string {
  const start = text.trimStart();
  if (/^Status|^\[\{'|^\S+ \t\d{4}-/.test(start)) return 'fail2ban';
  if (isJson(start)) return 'json';
  return /^[\w-]+(,[\w-]+)+\s*$/m.test(start.split('\n', 1)[0] ?? '') ? 'crowdsec' : 'lines';
}

/** `nowMs`, wall clock, is when durations begin. */
export function readEntries(text: string, format: string, nowMs: number, isForced: boolean): Read {
  const read = { entries: [] as Entry[], mistakes: [] as string[], leftOut: [] as string[] };
  for (const found of formats[format]?.(text, nowMs) ?? []) {
    if ('mistake' in found) read.mistakes.push(`${found.where}: ${found.mistake}`);
    else if ('leftOut' in found) read.leftOut.push(`${found.where}: ${found.leftOut}`);
    else {
      try {
        read.entries.push(entryIn(found.line, isForced, nowMs));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        read.mistakes.push(`${found.where}: ${error.detail}`);
      }
    }
  }
  return read;
}

function isJson(text: string): boolean {
  return /^\s*([[{]|null\s*$)/.test(text);
}

function foundInLines(text: string): Found[] {
  return text.split('\n').flatMap((line, at) => {
    const isEntry = line.trim() !== '' && !line.trimStart().startsWith('#');
    return isEntry ? [{ where: `line ${at + 1}`, line }] : [];
  });
}

/** Of our own export, of `cscli decisions list -o json`, or for `cscli decisions import`. */
function foundInJson(text: string, nowMs: number): Found[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [{ where: 'json', mistake: (error as Error).message }];
  }
  const items = Array.isArray(value) ? value : value === null ? [] : [value];
  return items.flatMap((item, at) => {
    const where = `item ${at + 1}`;
    if (typeof item !== 'object' || item === null) return [{ where, mistake: 'not an object' }];
    const { decisions } = item as { decisions?: unknown };
    if (!Array.isArray(decisions)) return [foundInItem(item, where, nowMs)];
    return decisions.map((each, index) => {
      const place = `${where}, decision ${index + 1}`;
      return typeof each === 'object' && each !== null
        ? foundInItem(each, place, nowMs)
        : { where: place, mistake: 'not an object' };
    });
  });
}

function textIn(item: object, name: string): string {
  const value = (item as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}

function foundInItem(item: object, where: string, nowMs: number): Found {
  const kind = textIn(item, 'kind');
  if (kind === '') {
    return foundDecision(where, nowMs, {
      scope: textIn(item, 'scope'),
      value: textIn(item, 'value'),
      type: textIn(item, 'type'),
      duration: textIn(item, 'duration'),
      reason: textIn(item, 'reason') || textIn(item, 'scenario'),
      simulated: String('simulated' in item && item.simulated),
    });
  }
  const [address, until] = [textIn(item, 'address'), textIn(item, 'until') || '-'];
  const isEntry = kind === 'block' || kind === 'allow';
  if (!isEntry) return { where, mistake: `neither block nor allow: ${quoted(kind)}` };
  return foundEntry(where, { kind, address, until, reason: textIn(item, 'reason') });
}

type Words = Pick<Entry, 'kind' | 'reason'> & { readonly address: string; readonly until: string };

/** Words with blanks in them would be taken for others. */
function foundEntry(where: string, { kind, address, until, reason }: Words): Found {
  for (const word of [address, until]) {
    if (!/^\S+$/.test(word)) return { where, mistake: `not an address: ${quoted(word)}` };
  }
  return { where, line: `${kind} ${address} ${until} ${JSON.stringify(reason)}` };
}

type Decision = Readonly<
  Record<'scope' | 'value' | 'type' | 'duration' | 'reason' | 'simulated', string>
>;

function foundDecision(where: string, nowMs: number, decision: Decision): Found {
  const { scope, value, type, duration, reason } = decision;
  if (scope !== '' && !/^(ip|range)$/i.test(scope)) {
    return { where, leftOut: `not an address but a ${quoted(scope)}: ${quoted(value)}` };
  }
  if (decision.simulated === 'true') return { where, leftOut: `only simulated: ${quoted(value)}` };
  if (type !== '' && type !== 'ban') return { where, leftOut: `not a ban but a ${quoted(type)}` };
  const seconds = duration === '' ? undefined : goSeconds(duration);
  if (duration !== '' && seconds === undefined) {
    return { where, mistake: `not a duration: ${quoted(duration)}` };
  }
  const until = seconds === undefined ? '-' : new Date(nowMs + seconds * 1000).toISOString();
  return foundEntry(where, { kind: 'block', address: value, until, reason });
}

/** The end is in local time. */
const withTime = /^(\S+) \t\d{4}-.* = (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/;

const goUnits: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, d: 86_400 };
const mostSeconds = 1e9;

/** Seconds in `3h59m50.5s` or `-2m`, as Go writes durations; undefined when it is none. */
function goSeconds(text: string): number | undefined {
  if (!/^-?(\d+(\.\d+)?(ms|[dhms]))+$/.test(text) || text.length > 40) return undefined;
  let seconds = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    seconds += Number(count) * (goUnits[unit] ?? 0);
  }
  return Math.min(seconds, mostSeconds) * (text.startsWith('-') ? -1 : 1);
}

/** Characters of a line with cells; to match millions of them takes more stack than there is. */
const longestCells = 100_000;

/** Of `cscli decisions list -o raw`, or for `cscli decisions import`. */
function foundInCsv(text: string, nowMs: number): Found[] {
  const [header = '', ...lines] = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const names = header.split(',').map((name) => name.trim().toLowerCase());
  const addressName = ['value', 'ip'].find((name) => names.includes(name));
  if (!addressName) return [{ where: 'line 1', mistake: 'has neither a column value nor ip' }];
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    const where = `line ${at + 2}`;
    if (line.length > longestCells) {
      return [{ where, mistake: `is longer than ${longestCells} characters` }];
    }
    const cells = csvCells(line);
    if (cells.length !== names.length) {
      return [{ where, mistake: `has ${cells.length} cells and not ${names.length}` }];
    }
    const cell = (name: string) => cells[names.indexOf(name)] ?? '';
    // `Ip:192.0.2.1`, or an address alone where the scope has a column of its own.
    const scoped = addressName === 'ip' ? /^([a-z][\w-]*):(.*)$/i.exec(cell('ip')) : null;
    const [, scope = '', value = cell(addressName)] = scoped ?? [];
    return [
      foundDecision(where, nowMs, {
        scope: cell('scope') || scope,
        value,
        type: cell('action') || cell('type'),
        duration: cell('expiration') || cell('duration'),
        reason: cell('reason'),
        simulated: cell('simulated'),
      }),
    ];
  });
}

/** With quotes around cells that have commas or quotes, which are doubled in them. */
function csvCells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, inQuotes, bare]) => {
    return inQuotes === undefined ? (bare ?? '') : inQuotes.replaceAll('""', '"');
  });
}

/** `fail2ban-client status JAIL`, `fail2ban-client banned`, or `get JAIL banip --with-time`. */
function foundInFail2ban(text: string): Found[] {
  let hasLists = false;
  const found = text.split('\n').flatMap((line, at) => {
    const lists = [...line.matchAll(/(?:Banned IP list:|'[^']*': \[)([^\]]*)/g)];
    const timed = withTime.exec(line);
    hasLists ||= lists.length > 0 || timed !== null;
    const until = timed ? new Date(`${timed[2]}T${timed[3]}`).toISOString() : '-';
    const list = timed ? timed[1] : lists.map(([, words]) => words).join(' ');
    return (list ?? '').split(/[\s,']+/).flatMap((address) => {
      const words = { kind: 'block', address, until, reason: 'fail2ban' } as const;
      return address === '' ? [] : [foundEntry(`line ${at + 1}`, words)];
    });
  });
  return hasLists
    ? found
    : [{ where: 'fail2ban', mistake: 'no list of banned addresses is there' }];
}
