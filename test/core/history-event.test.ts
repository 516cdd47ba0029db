/** Which events somebody asks for. */
import { expect, test } from 'vitest';
import { isWanted } from '../../src/core/history-event.ts';
import { address } from './blocks.ts';
import { happened } from './happened.ts';

test('everything is wanted unless something is asked for', () => {
  expect(isWanted(happened(), {})).toBe(true);
});

test.for([
  { filter: { sinceMs: 1_000_000_000 }, isFound: true },
  { filter: { sinceMs: 1_000_000_001 }, isFound: false },
  { filter: { untilMs: 1_000_000_001 }, isFound: true },
  { filter: { untilMs: 1_000_000_000 }, isFound: false },
  { filter: { event: 'blocked' }, isFound: true },
  { filter: { event: 'unblocked' }, isFound: false },
  { filter: { class: 'ip' }, isFound: true },
  { filter: { class: 'net' }, isFound: false },
  { filter: { value: '192.0.2.1' }, isFound: true },
  { filter: { value: '192.0.2.2' }, isFound: false },
  { filter: { event: 'blocked', class: 'net' }, isFound: false },
])('$filter finds it: $isFound', ({ filter, isFound }) => {
  expect(isWanted(happened(), filter)).toBe(isFound);
});

test.for([
  { asked: '192.0.2.0/24', value: '192.0.2.1', isFound: true },
  { asked: '192.0.2.0/24', value: '192.0.2.0/25', isFound: true },
  { asked: '192.0.2.0/24', value: '192.0.3.1', isFound: false },
  { asked: '192.0.2.1', value: '192.0.2.1', isFound: true },
  { asked: '192.0.2.1', value: '192.0.2.10', isFound: false },
  { asked: '192.0.2.1', value: '192.0.2.0/24', isFound: true },
  { asked: '2001:db8:1:2::9', value: '2001:db8:1:2::/64', isFound: true },
  { asked: '2001:db8:1:3::9', value: '2001:db8:1:2::/64', isFound: false },
  { asked: '0.0.0.0/0', value: '2001:db8::1', isFound: false },
  { asked: '0.0.0.0/0', value: 'database', isFound: false },
  { asked: '::/0', value: '', isFound: false },
])('$asked finds what happened to $value: $isFound', ({ asked, value, isFound }) => {
  expect(isWanted(happened({ value }), { address: address(asked) })).toBe(isFound);
});
