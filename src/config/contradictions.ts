/**
 * Settings that are valid one by one and make no sense together.
 */
import { dirname, resolve } from 'node:path';
import { isLoopback, parseAddress } from '../core/address.ts';
import type { GroupNode } from './libconfig.ts';
import type { Mistakes, Place } from './mistakes.ts';
import type { ValuesOf } from './schema.ts';

/** The place of the first of `names` that is written, else of the group. */
function placeOf(node: GroupNode, ...names: readonly string[]): Place {
  const setting = names.map((name) => node.settings.get(name)).find((found) => found);
  return setting?.place ?? node.place;
}

/** The control shell may do everything, so other hosts reach it only on explicit wish. */
export function checkControlAddress(
  node: GroupNode,
  { control_address: address, control_port: port, control_remote: isRemote }: ValuesOf<'settings'>,
  mistakes: Mistakes,
): void {
  if (port === undefined || isRemote || isLoopback(parseAddress(address))) return;
  mistakes.add(
    placeOf(node, 'control_address', 'control_port'),
    `settings.control_address ${address} is not a loopback address: whoever reaches it may block ` +
      'and unblock; if that is wished, say control_remote: true',
  );
}

/** Settings of `blocking` that contradict each other. */
export function checkBlocking(
  node: GroupNode,
  values: ValuesOf<'blocking'>,
  mistakes: Mistakes,
): void {
  // A value that is broken is reported already and undefined.
  const [first = 0] = values.time ?? [];
  if (values.cap < first) {
    const [cap, time] = [`blocking.cap (${values.cap})`, `blocking.time (${first})`];
    mistakes.add(placeOf(node, 'cap'), `${cap} must not be less than the first ${time}`);
  }
  for (const name of ['peers_timeout', 'peers_cdb'] as const) {
    if (values[name] === undefined || values.peers !== undefined) continue;
    mistakes.add(placeOf(node, name), `blocking.${name} is of no use without blocking.peers`);
  }
  const { peers, peers_cdb: cdb } = values;
  if (peers !== undefined && cdb !== undefined && dirname(cdb) === resolve(peers)) {
    mistakes.add(placeOf(node, 'peers_cdb'), 'blocking.peers_cdb must not be in blocking.peers');
  }
}

/** A cdb shared by two servers would let everybody in, and a cdb over its source would lose it. */
export function checkFiles(
  node: GroupNode | undefined,
  values: ValuesOf<'blocking'> | undefined,
  tcprules: ValuesOf<'blocking.tcprules'> | undefined,
  mistakes: Mistakes,
): void {
  if (!node || !tcprules) return;
  const place = placeOf(node, 'tcprules');
  if (tcprules.cdb === tcprules.source) {
    mistakes.add(place, 'blocking.tcprules.cdb must be another file than source');
  }
  if (values?.peers_cdb !== undefined && values.peers_cdb === tcprules.cdb) {
    mistakes.add(place, 'blocking.tcprules.cdb must be another file than blocking.peers_cdb');
  }
}

/** What rater counts is not for other hosts to read, unless a server in between decides. */
export function checkMetrics(
  node: GroupNode,
  { address, port }: ValuesOf<'metrics'>,
  mistakes: Mistakes,
): void {
  if (port === undefined || isLoopback(parseAddress(address))) return;
  mistakes.add(
    placeOf(node, 'address', 'port'),
    `metrics.address ${address} is not a loopback address; for other hosts have a server with ` +
      'access control pass on what it answers',
  );
}

/** Settings of `overload` that contradict each other. */
export function checkOverload(
  node: GroupNode,
  values: ValuesOf<'overload'>,
  mistakes: Mistakes,
): void {
  const { above, below, load_above: loadAbove, load_below: loadBelow } = values;
  if (below > above) {
    const wanted = `overload.below (${below}) must not be more than overload.above (${above})`;
    mistakes.add(placeOf(node, 'below', 'above'), wanted);
  }
  if (loadBelow === undefined) return;
  const place = placeOf(node, 'load_below');
  if (loadAbove === undefined) {
    mistakes.add(place, 'overload.load_below is of no use without overload.load_above');
  } else if (loadBelow > loadAbove) {
    const max = `overload.load_above (${loadAbove})`;
    mistakes.add(place, `overload.load_below (${loadBelow}) must not be more than ${max}`);
  }
}
