/** redis-server on a Unix socket, keeping nothing on disk; a check is INCR and EXPIRE. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import type { Workbench } from '../workbench.ts';
import { isInstalled } from './installed.ts';
import type { CheckServer } from './line-server.ts';

/** Undefined where it is not installed. */
export async function startRedis(bench: Workbench): Promise<CheckServer | undefined> {
  if (!isInstalled('redis-server')) return undefined;
  const directory = bench.newDirectory();
  const socket = join(directory, 'redis.sock');
  const quiet = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const place = ['--port', '0', '--unixsocket', socket, '--dir', directory];
  const { pid } = bench.start(directory, ['redis-server', ...quiet, ...place]);
  await until('redis', () => existsSync(socket));
  return { pid, checked: { socket, protocol: 'redis' } };
}
