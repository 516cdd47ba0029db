/**
 * fail2ban that reads the log of a real tcpsvd -v and, as its ban, creates the very file in the
 * peers directory that rater would. Its configuration, socket and log are in a directory of its
 * own; no firewall is involved.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import { startLogged } from '../servers.ts';
import type { Workbench } from '../workbench.ts';
import { isInstalled } from './installed.ts';

/** Its pid, and the server that it watches. */
export type Guarded = { readonly pid: number; readonly port: number };

function configFiles(peers: string, log: string, limit: number): Record<string, string> {
  return {
    'fail2ban.conf':
      '[Definition]\nloglevel = ERROR\nlogtarget = STDERR\nsyslogsocket = auto\ndbfile = None\n',
    'filter.d/tcpsvd.conf':
      '[Definition]\nfailregex = ^tcpsvd: info: pid \\d+ from <HOST>$\ndatepattern = {NONE}\n',
    'action.d/peers.conf': `[Definition]
actionstart =
actionstop =
actioncheck =
actionban = umask 0577; : >${peers}/<ip>
actionunban = rm -f ${peers}/<ip>
`,
    'jail.conf': `[DEFAULT]
ignoreself = false
ignoreip =
[tcpsvd]
enabled = true
filter = tcpsvd
backend = auto
logpath = ${log}
maxretry = ${limit + 1}
findtime = 60
bantime = 600
action = peers
`,
  };
}

/** Undefined where it is not installed. */
export async function startFail2ban(bench: Workbench, limit = 10): Promise<Guarded | undefined> {
  if (!isInstalled('fail2ban-server')) return undefined;
  const [config = '', peers = '', state = ''] = bench.newDirectories('config', 'peers', 'state');
  const log = join(state, 'tcpsvd.txt');
  const { port } = await startLogged(bench, peers, log);
  for (const name of ['filter.d', 'action.d', 'jail.d']) mkdirSync(join(config, name));
  for (const [name, text] of Object.entries(configFiles(peers, log, limit))) {
    writeFileSync(join(config, name), text);
  }
  const socket = join(state, 'sock');
  const places = ['-c', config, '-s', socket, '-p', join(state, 'pid')];
  const server = bench.start(state, ['fail2ban-server', ...places, '-xf', 'start']);
  const status = () => bench.run(['fail2ban-client', ...places, 'status', 'tcpsvd']);
  await until('fail2ban', () => {
    if (!server.isRunning) throw new Error(`fail2ban ended: ${server.said}`);
    return status().then(
      () => true,
      () => false,
    );
  });
  return { pid: server.pid, port };
}
