/** Makes addresses unrecognizable for a report that others read. */
import { isSingle, networkOf, parseNetwork } from '../core/address.ts';

/** How many bits of an address stay, which are those of the networks that a report tells of. */
export const networkLengths = { 4: 24, 6: 64 } as const;

/**
 * `192.0.2.x` for 192.0.2.1, `2001:db8:0:1:x` for an address or network in 2001:db8:0:1::/64. Wider
 * networks stay, as they name nobody; what is no address, such as a user's name, becomes `x`.
 */
export function maskAddress(text: string): string {
  const address = parseNetwork(text);
  if (!address) return 'x';
  const kept = networkLengths[address.family];
  if (address.prefixLength <= kept) return address.text;
  const { octets } = networkOf(address, kept);
  const length = isSingle(address) ? '' : `/${address.prefixLength}`;
  if (address.family === 4) return `${octets.slice(0, 3).join('.')}.x${length}`;
  const groups = [0, 2, 4, 6].map((index) => {
    return (((octets[index] as number) << 8) | (octets[index + 1] as number)).toString(16);
  });
  return `${groups.join(':')}:x${length}`;
}
