import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contains, ipv4Bits, networkOf } from '../../src/core/address.ts';
import { Ipv4Networks } from '../../src/core/ipv4-networks.ts';
import { address } from './blocks.ts';

/** Near each other, so that networks of any length hold some of them. */
const near = fc
  .tuple(fc.constantFrom(0, 10, 192, 255), fc.nat(1), fc.constantFrom(0, 255), fc.nat(255))
  .map((octets) => octets.join('.'));
const network = fc.oneof(
  fc.tuple(near, fc.nat(32)).map(([text, length]) => networkOf(address(text), length)),
  fc.constantFrom(address('2001:db8::/32'), address('::/0'), address('::1')),
);
const change = fc.record({ isDelete: fc.boolean(), network });

function bitsOf(text: string): number {
  const bits = ipv4Bits(text);
  if (bits === undefined) throw new Error(text);
  return bits;
}

test('holds the addresses of the networks that are there, after any changes', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(near, { minLength: 5 }), (changes, asked) => {
      const networks = new Ipv4Networks();
      const there = new Map<string, ReturnType<typeof address>>();
      for (const { isDelete, network } of changes) {
        if (isDelete) {
          networks.delete(network);
          there.delete(network.text);
        } else {
          networks.add(network);
          there.set(network.text, network);
        }
      }
      for (const text of asked) {
        const isHeld = [...there.values()].some((each) => contains(each, address(text)));
        expect([text, networks.hold(bitsOf(text))]).toEqual([text, isHeld]);
      }
    }),
    { numRuns: 500 },
  );
});

test('finds each of very many, and none of them when they are gone', () => {
  const networks = new Ipv4Networks();
  const all = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.7`);
  for (const text of all) networks.add(address(text));
  expect(all.filter((text) => !networks.hold(bitsOf(text)))).toEqual([]);
  expect(networks.hold(bitsOf('10.0.0.8'))).toBe(false);
  for (const text of all) networks.delete(address(text));
  expect(all.filter((text) => networks.hold(bitsOf(text)))).toEqual([]);
});
