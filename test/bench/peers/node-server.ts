/** The least server of checks that Node's own sockets allow: the floor of ours. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import type { Workbench } from '../workbench.ts';
import type { CheckServer } from './line-server.ts';

export async function startNodeServer(bench: Workbench): Promise<CheckServer> {
  const directory = bench.newDirectory();
  const socket = join(directory, 'node.sock');
  const script = join(bench.places.root, 'test/bench/peers/node-server.mjs');
  const { pid } = bench.start(directory, [...bench.likeRater, script, socket]);
  await until('the least server of Node', () => existsSync(socket));
  return { pid, checked: { socket, protocol: 'rater' } };
}
