/**
 * What is counted: a text or, for an IPv4 address, its 32 bits, which are kept and compared in less room
 * and time.
 */
import { ipv4Bits, ipv4Text } from './address.ts';

/** The text of a value, or the bits of an IPv4 address. */
export type Value = string | number;

export function valueText(value: Value): string {
  return typeof value === 'number' ? ipv4Text(value) : value;
}

/** An IPv4 address is one value, whether it comes as text or as bits. */
export function shortestValue(value: Value): Value {
  return typeof value === 'number' ? value : (ipv4Bits(value) ?? value);
}
