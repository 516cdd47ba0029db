/** A masked address names nobody, and the same one is always masked alike. */
import { expect, test } from 'vitest';
import { maskAddress } from '../../src/report/mask-address.ts';

test.each([
  ['192.0.2.1', '192.0.2.x'],
  ['192.0.2.255', '192.0.2.x'],
  ['192.0.2.128/25', '192.0.2.x/25'],
  ['192.0.2.0/24', '192.0.2.0/24'],
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['2001:db8:0:1::5', '2001:db8:0:1:x'],
  ['2001:DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1:x'],
  ['::1', '0:0:0:0:x'],
  ['2001:db8:0:1:8000::/65', '2001:db8:0:1:x/65'],
  ['2001:db8::/32', '2001:db8::/32'],
  ['::ffff:192.0.2.1', '192.0.2.x'],
  ['smith', 'x'],
  ['smith@192.0.2.1', 'x'],
  ['', 'x'],
])('%s becomes %s', (text, masked) => {
  expect(maskAddress(text)).toBe(masked);
});
