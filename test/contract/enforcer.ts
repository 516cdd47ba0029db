/**
 * The promises of src/enforcers/enforcer.ts, for every enforcer.
 *
 * `make` gives an enforcer reconciled with no blocks, for a server that lets everybody in. Whether
 * a connection is dropped is the server's (or its checking tool's) word, not the enforcer's.
 */

import { describe, expect, test } from 'vitest';
import { type Address, parseNetwork } from '../../src/core/address.ts';
import type { Block } from '../../src/core/block.ts';
import { PrefixMap } from '../../src/core/prefix-map.ts';
import type { Drift, Enforcer, Scope } from '../../src/enforcers/enforcer.ts';
import { unless } from '../run/unless.ts';

export type EnforcerSubject = {
  readonly enforcer: Enforcer;
  /** Whether the server keeps a single IPv4 address from its program, in silence or not. */
  dropsConnection(address: Address): boolean | Promise<boolean>;
  /** Refuses the address as the admin would, by hand, with an entry that is not ours. */
  refuseAsAdmin(address: Address): void | Promise<void>;
  /** Removes what `make` made; the enforcer is closed by then. */
  close(): void | Promise<void>;
};

export function addressFor(text: string): Address {
  const address = parseNetwork(text);
  if (!address) throw new Error(`no address: ${text}`);
  return address;
}

const fixedNowMs = 4_000_000_000_000;

/** A block of 120 seconds for eleven connections in a minute. */
export function blockOf(text: string, change: Partial<Block> = {}): Block {
  return {
    address: addressFor(text),
    class: 'ip',
    sinceMs: fixedNowMs,
    untilMs: fixedNowMs + 120_000,
    count: 11,
    limit: 10,
    seconds: 60,
    times: 1,
    source: 'rate',
    reason: '',
    replacedUntilMs: 0,
    ...change,
  };
}

/** Everything that an inspection finds when these blocks should be in force. */
export function findings(
  enforcer: Enforcer,
  blocks: readonly Block[],
  scope: Scope = 'all',
): Drift[] {
  const known = new PrefixMap<Block>();
  for (const block of blocks) known.set(block);
  return [...(enforcer.inspect?.(known, scope) ?? [])].filter((found) => found !== undefined);
}

/** `skipReason`: why the server's tools are not here. */
export function keepsEnforcerPromises(
  name: string,
  make: () => EnforcerSubject | Promise<EnforcerSubject>,
  skipReason?: string,
): void {
  function promises(what: string, check: (subject: EnforcerSubject) => Promise<void>): void {
    test(what, unless(skipReason), async () => {
      const subject = await make();
      try {
        await check(subject);
      } finally {
        subject.enforcer.close();
        await subject.close();
      }
    });
  }

  const client = addressFor('127.192.2.1');
  const neighbour = addressFor('127.192.2.10');
  const block = blockOf('127.192.2.1');

  describe(`${name} keeps the promises of an enforcer`, () => {
    promises('without blocks everybody is let in', async ({ enforcer, dropsConnection }) => {
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(false);
      expect(enforcer.entryOwner(client, undefined)).toBe('absent');
    });

    promises('"in force" means that the very next connection is refused', async (subject) => {
      const { enforcer, dropsConnection } = subject;
      if (enforcer.impose(block) === 'pending') enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(true);
      expect(enforcer.impose(block)).toBe('in force');
      expect(await dropsConnection(client)).toBe(true);
      expect(enforcer.entryOwner(client, block)).toBe('ours');
    });

    promises('nobody else is refused', async ({ enforcer, dropsConnection }) => {
      enforcer.impose(block);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(neighbour)).toBe(false);
      expect(await dropsConnection(addressFor('127.192.2.2'))).toBe(false);
      expect(enforcer.entryOwner(neighbour, undefined)).toBe('absent');
    });

    promises('impose may be repeated, even with a later end', async (subject) => {
      const { enforcer, dropsConnection } = subject;
      const replacedUntilMs = block.untilMs;
      const later = blockOf('127.192.2.1', { untilMs: block.untilMs + 60_000, replacedUntilMs });
      enforcer.impose(block);
      enforcer.impose(later);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(true);
      expect(enforcer.lift(later)).toBe(true);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(false);
    });

    promises(
      'lift lets in again, says whether there was a block, and may be repeated',
      async (s) => {
        expect(s.enforcer.lift(block)).toBe(false);
        s.enforcer.impose(block);
        s.enforcer.rebuild?.flush();
        expect(s.enforcer.lift(block)).toBe(true);
        expect(s.enforcer.lift(block)).toBe(false);
        s.enforcer.rebuild?.flush();
        expect(await s.dropsConnection(client)).toBe(false);
        expect(s.enforcer.entryOwner(client, undefined)).toBe('absent');
      },
    );

    promises('reconcile puts all its blocks in force', async ({ enforcer, dropsConnection }) => {
      enforcer.impose(blockOf('127.192.2.2'));
      enforcer.rebuild?.flush();
      enforcer.reconcile([blockOf('127.192.2.2'), blockOf('127.192.2.3')]);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(false);
      expect(await dropsConnection(addressFor('127.192.2.2'))).toBe(true);
      expect(await dropsConnection(addressFor('127.192.2.3'))).toBe(true);
    });

    for (const [text, inside, outside] of [
      ['127.51.100.0/24', '127.51.100.77', '127.51.10.77'],
      ['127.51.0.0/16', '127.51.100.77', '127.5.100.77'],
      // Only 127.0.0.0/8 can connect to a test.
      ['127.0.0.0/8', '127.51.100.77', undefined],
      ['12.0.0.0/8', undefined, '127.51.100.77'],
    ] as const) {
      promises(`a network of whole octets (${text}) is refused, and nothing else`, async (s) => {
        const network = blockOf(text);
        if (s.enforcer.impose(network) === 'pending') s.enforcer.rebuild?.flush();
        expect(s.enforcer.impose(network)).toBe('in force');
        if (outside) expect(await s.dropsConnection(addressFor(outside))).toBe(false);
        if (inside) {
          expect(await s.dropsConnection(addressFor(inside))).toBe(true);
          expect(s.enforcer.entryOwner(addressFor(inside), network)).toBe('ours');
        }
        expect(s.enforcer.lift(network)).toBe(true);
        s.enforcer.rebuild?.flush();
        if (inside) expect(await s.dropsConnection(addressFor(inside))).toBe(false);
      });
    }

    promises('what the server cannot express is not possible and changes nothing', async (s) => {
      for (const text of ['2001:db8::1', '127.51.100.0/25', '0.0.0.0/0']) {
        // A rebuild may have to find out whether it can.
        if (s.enforcer.impose(blockOf(text)) === 'pending') s.enforcer.rebuild?.flush();
        expect(s.enforcer.impose(blockOf(text))).toBe('not possible');
        expect(s.enforcer.canRefuse(addressFor(text))).toBe(false);
        expect(s.enforcer.lift(blockOf(text))).toBe(false);
      }
      expect(s.enforcer.canRefuse(addressFor('127.51.100.0/24'))).toBe(true);
      s.enforcer.reconcile([blockOf('2001:db8::1')]);
      s.enforcer.rebuild?.flush();
      expect(await s.dropsConnection(addressFor('127.51.100.1'))).toBe(false);
    });

    promises('an address that the admin refuses stays refused, whatever we do', async (subject) => {
      const { enforcer, dropsConnection } = subject;
      await subject.refuseAsAdmin(client);
      enforcer.reconcile([]);
      enforcer.rebuild?.flush();
      expect(enforcer.entryOwner(client, undefined)).toBe('theirs');
      enforcer.impose(block);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(true);
      enforcer.lift(block);
      enforcer.reconcile([]);
      enforcer.rebuild?.flush();
      expect(await dropsConnection(client)).toBe(true);
      expect(enforcer.entryOwner(client, undefined)).toBe('theirs');
    });

    promises('inspect finds nothing where all agree, however often it looks', async (s) => {
      s.enforcer.impose(block);
      s.enforcer.rebuild?.flush();
      for (const scope of ['all', 'changed', 'orphans', 'all'] as const) {
        expect(findings(s.enforcer, [block], scope)).toEqual([]);
      }
      expect(await s.dropsConnection(client)).toBe(true);
    });

    promises('inspect finds a block that was never imposed, which then can be', async (s) => {
      s.enforcer.rebuild?.flush();
      expect(findings(s.enforcer, [block])).toEqual([{ kind: 'missing', block }]);
      expect(await s.dropsConnection(client)).toBe(false);
      if (s.enforcer.impose(block) === 'pending') s.enforcer.rebuild?.flush();
      expect(await s.dropsConnection(client)).toBe(true);
      expect(findings(s.enforcer, [block])).toEqual([]);
    });

    promises("inspect leaves the admin's entry alone", async (s) => {
      await s.refuseAsAdmin(client);
      s.enforcer.impose(block);
      s.enforcer.rebuild?.flush();
      for (const known of [[block], []]) findings(s.enforcer, known);
      s.enforcer.lift(block);
      s.enforcer.rebuild?.flush();
      expect(s.enforcer.entryOwner(client, undefined)).toBe('theirs');
      expect(await s.dropsConnection(client)).toBe(true);
    });

    promises('what the server cannot express is never missing', async (s) => {
      const blocks = ['2001:db8::1', '127.51.100.0/25', '0.0.0.0/0'].map((text) => blockOf(text));
      expect(findings(s.enforcer, blocks)).toEqual([]);
    });

    promises('close finishes what is pending, and may be repeated', async (subject) => {
      subject.enforcer.impose(block);
      subject.enforcer.close();
      expect(await subject.dropsConnection(client)).toBe(true);
      subject.enforcer.close();
    });
  });
}
