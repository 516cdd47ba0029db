import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entryIn, entryLine } from '../../src/commands/entries.ts';
import { address } from '../core/blocks.ts';

/** In 2027. */
const nowMs = 1_800_000_000_000;

test('the line of an entry is read as that entry, whatever its reason', () => {
  const entry = fc.record({
    kind: fc.constantFrom('block' as const, 'allow' as const),
    address: fc.constantFrom('192.0.2.1', '198.51.100.0/24', '2001:db8::/32', '::1').map(address),
    untilMs: fc.option(
      fc.integer({ min: 0, max: 1.8e9 }).map((seconds) => seconds * 1000),
      {
        nil: undefined,
      },
    ),
    reason: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.slice(0, 200)),
      fc.constantFrom('', ' x', 'x ', '"x"', '"', '#', '- y', 'a\nb'),
    ),
  });
  fc.assert(
    fc.property(entry, (one) => {
      const line = entryLine(one);
      expect(line).not.toMatch(/\n/);
      expect(entryIn(line, false, nowMs)).toEqual(one);
    }),
  );
});

test.each([
  ['192.0.2.1', { kind: 'block', untilMs: undefined, reason: '' }],
  [' block 192.0.2.1 ', { kind: 'block', untilMs: undefined, reason: '' }],
  ['allow 192.0.2.1 - a partner', { kind: 'allow', untilMs: undefined, reason: 'a partner' }],
  ['block 192.0.2.1 1970-01-01T00:00:01.5Z', { kind: 'block', untilMs: 1500, reason: '' }],
])('%j', (line, wanted) => {
  expect(entryIn(line, false, nowMs)).toEqual({ ...wanted, address: address('192.0.2.1') });
});

test.each([
  ['block', /not an address: ""/],
  ['nonsense', /not an address: nonsense/],
  ['deny 192.0.2.1', /neither block nor allow: deny/],
  ['192.0.2.1 1h', /neither block nor allow: 192\.0\.2\.1/],
  ['block 192.0.2.1 tomorrow', /not an instant such as .*: tomorrow/],
  ['block 192.0.2.1 2026-02-31T25:00:00Z', /not an instant/],
  ['block 192.0.2.1 2028-01-31T08:05:46Z', /ends more than 366 days from now: 2028-01-31/],
  ['block 192.0.2.1 - "x', /a reason in quotes is not JSON/],
  ['block 0.0.0.0/0', /wider than \/8/],
  ['block 192.0.2.7/24', /did you mean/],
])('%j is a mistake', (line, said) => {
  expect(() => entryIn(line, false, nowMs)).toThrow(said);
});
