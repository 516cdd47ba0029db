/** Finds allowlisted addresses that a block or the administrator's files or rules refuse. */
import { type Address, contains } from '../../core/address.ts';
import { PrefixMap } from '../../core/prefix-map.ts';
import { makeEnforcers } from '../../enforcers/make-enforcers.ts';
import { type Finding, problem } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';
import type { Remembered } from '../remembered.ts';

type Entries = PrefixMap<{ readonly address: Address }>;

const maxTold = 20;
const silent = { info() {}, warn() {}, error() {} };

export function allowEntries({ config }: Installation, memory: Remembered): Entries {
  const entries: Entries = new PrefixMap();
  for (const address of config.allow) entries.set({ address });
  for (const { address } of memory.allowed) entries.set({ address });
  return entries;
}

/** An entry that contains the address or lies in it. */
function entryFor(entries: Entries, address: Address): Address | undefined {
  const around = entries.find(address)?.address;
  return around ?? [...entries.values()].find((entry) => contains(address, entry.address))?.address;
}

function blocked(entries: Entries, { blocks }: Remembered, nowMs: number): Finding[] {
  return blocks.flatMap(({ address, untilMs }) => {
    const entry = untilMs > nowMs ? entryFor(entries, address) : undefined;
    if (!entry) return [];
    const what = `${address.text} is blocked, and ${entry.text} is on the allowlist`;
    return problem(what, `ipthrottle unblock ${address.text}`);
  });
}

/** Denials that contain an entry, found as the server itself would. */
function ownDenials(site: Installation, entries: Entries, told: ReadonlySet<string>): Finding[] {
  const enforcers = makeEnforcers(site.config.blocking, silent);
  return [...entries.values()].flatMap(({ address }) => {
    if (told.has(address.text)) return [];
    return enforcers.flatMap((enforcer) => {
      if (enforcer.entryOwner(address, undefined) !== 'theirs') return [];
      const what = `${address.text} is on the allowlist, and an entry of your own refuses it`;
      return problem(`${what}: ${enforcer.name}`, 'take one of the two away');
    });
  });
}

export const allowlist: Check = {
  name: 'allowlist',
  looksAt: 'the allowlist',
  run(site) {
    const { remembered: memory, clock } = site;
    if ('unknown' in memory) return [];
    const entries = allowEntries(site, memory);
    if (entries.size === 0) return [];
    const told = new Set<string>();
    const found = blocked(entries, memory, clock.wallMs());
    for (const { address } of memory.blocks) {
      const entry = entryFor(entries, address);
      if (entry) told.add(entry.text);
    }
    // Denials inside of an entry.
    const denials = site.enforcers.flatMap((enforcer) => enforcer.denials(memory.blocks));
    for (const { address, where } of denials) {
      const entry = entries.find(address)?.address;
      if (!entry) continue;
      told.add(entry.text);
      const what = `${entry.text} is on the allowlist, and an entry of your own refuses`;
      found.push(problem(`${what} ${address.text}: ${where}`, 'take one of the two away'));
    }
    return [...found, ...ownDenials(site, entries, told)].slice(0, maxTold);
  },
};
