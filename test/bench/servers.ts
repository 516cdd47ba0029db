/** Real tcpsvd and tcpserver on a free loopback port. */
import { join } from 'node:path';
import { freePort } from '../run/free-port.ts';
import type { Listening } from '../system/mail-server.ts';
import { until } from '../system/running-program.ts';
import type { Rater } from './rater.ts';
import type { Workbench } from './workbench.ts';

/** What every chain ends in. */
export const greet = ['/bin/echo', '220 ready'];

const room = ['-l', 'bench', '-c', '250', '-b', '512'];

async function serve(
  bench: Workbench,
  directory: string,
  server: readonly string[],
  chain: readonly string[],
): Promise<Listening> {
  const port = await freePort();
  const started = bench.start(directory, [...server, '127.0.0.1', String(port), ...chain]);
  await until('a listening server', () => !started.isRunning || isListening(bench, port));
  if (!started.isRunning) throw new Error(`${server[0]}: ${started.said}`);
  return { port, server: started };
}

/** Whether a visit is greeted; it comes from an address that no row uses. */
async function isListening(bench: Workbench, port: number): Promise<boolean> {
  const visit = [String(port), '1', '1', '127.255.255.254', '1', '0'];
  return await bench.run([bench.program('load'), 'visit', ...visit]).then(
    () => true,
    () => false,
  );
}

/** tcpsvd alone, with nothing between the client and the greeting but `chain`. */
export function startBare(bench: Workbench, chain: readonly string[] = []): Promise<Listening> {
  return serve(bench, '/', ['tcpsvd', ...room], [...chain, ...greet]);
}

/** tcpsvd that looks into `peers` and writes a line for each connection to `log`. */
export function startLogged(bench: Workbench, peers: string, log: string): Promise<Listening> {
  const shell = ['sh', '-c', 'log=$1; shift; exec "$@" >"$log" 2>&1', 'sh', log];
  return serve(bench, '/', [...shell, 'tcpsvd', '-v', ...room, '-i', peers], greet);
}

function ratecheck(bench: Workbench, rater: Rater): string[] {
  return [bench.ours('ratecheck'), '-t', '10000', '-s', rater.checked.socket];
}

/** tcpsvd -i as it is meant to be used: ratecheck, then the greeting. */
export function startTcpsvd(bench: Workbench, rater: Rater): Promise<Listening> {
  const server = ['tcpsvd', ...room, '-i', rater.peers];
  return serve(bench, rater.directory, server, [...ratecheck(bench, rater), ...greet]);
}

/** tcpserver -x as it is meant to be used. */
export function startTcpserver(bench: Workbench, rater: Rater): Promise<Listening> {
  const server = ['tcpserver', '-HR', ...room, '-x', join(rater.directory, 'rules.cdb')];
  return serve(bench, rater.directory, server, [...ratecheck(bench, rater), ...greet]);
}
