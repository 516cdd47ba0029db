/**
 * Real tcpsvd and tcpserver in front of a command, on a port of 127.0.0.1.
 *
 * Guarantee: whoever is given one may connect at once; one that does not come to listen fails with
 * its own words.
 */
import { freePort } from '../run/free-port.ts';
import { RunningProgram, type Start } from './running-program.ts';

export type ServerName = 'tcpsvd' | 'tcpserver';

export type Listening = { readonly port: number; readonly server: RunningProgram };

type Plan = Omit<Start, 'command'> & {
  readonly options: readonly string[];
  readonly command: readonly string[];
  /** A free one when undefined. */
  readonly port?: number | undefined;
};

/** Without names from DNS. What it says when it listens, it says after `listen`. */
const servers = {
  tcpsvd: { options: ['-v', '-l', 'localhost'], isReady: /listening on / },
  tcpserver: { options: ['-v', '-R', '-H', '-l', 'localhost'], isReady: /status: 0\// },
} as const;

export async function startMailServer(name: ServerName, plan: Plan): Promise<Listening> {
  const port = plan.port ?? (await freePort());
  const { options, isReady } = servers[name];
  const where = ['127.0.0.1', String(port)];
  const command = [name, ...options, ...plan.options, ...where, ...plan.command];
  const server = new RunningProgram({ ...plan, command });
  try {
    await server.says(isReady);
  } catch (error) {
    await server.end();
    throw error;
  }
  return { port, server };
}
