import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../src/core/fold.ts';

test.each(['rosario', 'Rosario', 'ROSARIO', ' rosario', 'rosario \t', '\u00a0Rosario'])(
  '%j is rosario',
  (name) => {
    expect(fold(name)).toBe('rosario');
  },
);

test.each(['rosario@example.org', 'ros ario', 'rosari\u00f3'])('%s is itself', (name) => {
  expect(fold(name)).toBe(name);
});

test('what is folded is folded for good', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aAéÉßİıΣς \t\u00a0') }), (name) => {
      expect(fold(fold(name))).toBe(fold(name));
    }),
  );
});
