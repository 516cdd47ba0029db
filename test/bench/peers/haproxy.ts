/** haproxy in front of a server, counting connections per address in a stick table. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../run/free-port.ts';
import type { Listening } from '../../system/mail-server.ts';
import { until } from '../../system/running-program.ts';
import type { Workbench } from '../workbench.ts';
import { isInstalled } from './installed.ts';

/** Refuses an address with more than `limit` connections in a minute. Undefined if not installed. */
export async function startHaproxy(
  bench: Workbench,
  behind: Listening,
  limit: number,
): Promise<Listening | undefined> {
  if (!isInstalled('haproxy')) return undefined;
  const directory = bench.newDirectory();
  const port = await freePort();
  const config = `
global
  maxconn 2000
defaults
  mode tcp
  timeout connect 20s
  timeout client 20s
  timeout server 20s
listen mail
  bind 127.0.0.1:${port} backlog 512
  stick-table type ip size 1m expire 60s store conn_rate(60s)
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc_conn_rate(0) gt ${limit} }
  server one 127.0.0.1:${behind.port}
`;
  writeFileSync(join(directory, 'haproxy.cfg'), config);
  const server = bench.start(directory, ['/usr/sbin/haproxy', '-db', '-f', 'haproxy.cfg']);
  const once = ['visit', String(port), '1', '1', '127.255.255.254', '1', '0'];
  await until('haproxy', () => {
    return bench.run([bench.program('load'), ...once]).then(
      () => true,
      () => !server.isRunning,
    );
  });
  if (!server.isRunning) throw new Error(`haproxy: ${server.said}`);
  return { port, server };
}
