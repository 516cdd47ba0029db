/** The C line server: the limit for servers of checks. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import type { Checked } from '../load.ts';
import type { Workbench } from '../workbench.ts';

export type CheckServer = { readonly checked: Checked; readonly pid: number };

export async function startLineServer(bench: Workbench): Promise<CheckServer> {
  const directory = bench.newDirectory();
  const socket = join(directory, 'line.sock');
  const { pid } = bench.start(directory, [bench.program('line-server'), socket]);
  await until('the line server', () => existsSync(socket));
  return { pid, checked: { socket, protocol: 'rater' } };
}
