/** The table of all kinds of enforcers, in the order in which blocks are imposed. */
import type { Blocking } from '../config/config.ts';
import type { EnforcerKind } from './enforcer-kind.ts';
import { peersKind } from './peers/peers-kind.ts';
import { tcprulesKind } from './tcprules/tcprules-kind.ts';

export const kinds = [peersKind, tcprulesKind] as const satisfies readonly EnforcerKind[];

/** The path that each kind writes, by its name; null when it is not configured. */
export type Places = Readonly<Record<(typeof kinds)[number]['name'], string | null>>;

export function placesOf(blocking: Blocking): Places {
  const places = kinds.map(({ name, place }) => [name, place(blocking) ?? null]);
  return Object.fromEntries(places) as Places;
}
