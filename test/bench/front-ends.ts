/** The same greeting behind different front ends: none, the least one, ours, a proxy. */
import type { Listening } from '../system/mail-server.ts';
import { ask } from './load.ts';
import { startHaproxy } from './peers/haproxy.ts';
import { type Rater, startRater } from './rater.ts';
import { startBare, startTcpsvd } from './servers.ts';
import type { Workbench } from './workbench.ts';

export type FrontEnd = {
  readonly name: string;
  readonly port: number;
  /** The processes that serve its connections. */
  readonly pids: readonly number[];
};

export type FrontEnds = Record<'bare' | 'execOnly' | 'ours', FrontEnd> & {
  readonly haproxy?: FrontEnd;
};

function frontEnd(name: string, { port, server }: Listening, rater?: Rater): FrontEnd {
  return { name, port, pids: [server.pid, ...(rater ? [rater.pid] : [])] };
}

/** None of these refuses a client. */
export async function startFrontEnds(bench: Workbench): Promise<FrontEnds> {
  const rater = await startRater(bench, { limits: 'ip: ( ("*", 60, 100000) );' });
  // Like a daemon that has run for a while: V8 compiles what has run some thousand times.
  const often = { checks: bench.size(20_000, 5000), concurrency: 8, depth: 1, keep: false };
  await ask(bench, { server: rater.checked, ...often, from: '10.0.0.0', spread: 1000 });
  const bare = await startBare(bench);
  const execOnly = await startBare(bench, [bench.program('exec-only')]);
  const ours = await startTcpsvd(bench, rater);
  const haproxy = await startHaproxy(bench, bare, 100_000);
  return {
    bare: frontEnd('bare tcpsvd', bare),
    execOnly: frontEnd('exec-only', execOnly),
    ours: frontEnd('ratecheck', ours, rater),
    ...(haproxy ? { haproxy: frontEnd('haproxy', haproxy) } : {}),
  };
}
