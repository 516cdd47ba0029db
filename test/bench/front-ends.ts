/** The same greeting behind different doors: none, the least possible, ours, a proxy. */
import { ask } from './load.ts';
import { startHaproxy } from './peers/haproxy.ts';
import { type Rater, startRater } from './rater.ts';
import { type Listening, startBare, startTcpsvd } from './servers.ts';
import type { Workbench } from './workbench.ts';

export type Door = {
  readonly name: string;
  readonly port: number;
  /** The processes that serve its connections. */
  readonly pids: readonly number[];
};

export type Doors = Record<'bare' | 'execOnly' | 'ours', Door> & { readonly haproxy?: Door };

function door(name: string, { port, server }: Listening, rater?: Rater): Door {
  return { name, port, pids: [server.pid, ...(rater ? [rater.pid] : [])] };
}

/** None of these doors refuses a client. */
export async function openDoors(bench: Workbench): Promise<Doors> {
  const rater = await startRater(bench, { limits: 'ip: ( ("*", 60, 100000) );' });
  // Like a daemon that has run for a while: V8 compiles what has run some thousand times.
  const often = { checks: bench.size(20_000, 5000), concurrency: 8, depth: 1, keep: false };
  await ask(bench, { server: rater.checked, ...often, from: '10.0.0.0', spread: 1000 });
  const bare = await startBare(bench);
  const execOnly = await startBare(bench, [bench.program('exec-only')]);
  const ours = await startTcpsvd(bench, rater);
  const haproxy = await startHaproxy(bench, bare, 100_000);
  return {
    bare: door('bare tcpsvd', bare),
    execOnly: door('exec-only', execOnly),
    ours: door('ratecheck', ours, rater),
    ...(haproxy ? { haproxy: door('haproxy', haproxy) } : {}),
  };
}
