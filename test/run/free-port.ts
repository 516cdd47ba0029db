/**
 * A port of 127.0.0.1 on which nobody listens, and which no other test of this machine is given.
 *
 * The process that gets it holds an abstract Unix socket with the port in its name until it ends,
 * so that tests of other processes and other clones leave the port alone before a server takes it.
 * It is below the ports that the kernel gives to clients, thousands of them meanwhile.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ListenOptions, type Server } from 'node:net';

const lowest = 10_000;
const range = '/proc/sys/net/ipv4/ip_local_port_range';
/** From here on the kernel gives ports to clients, unless it is set to begin very low. */
const end = Math.max(
  lowest + 10_000,
  existsSync(range) ? Number.parseInt(readFileSync(range, 'utf8'), 10) : 0,
);
let next = randomInt(lowest, end);

/** Undefined when another process holds it already. */
async function listening(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(where).unref();
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ host: '127.0.0.1', port });
  if (!server) return false;
  server.close();
  await once(server, 'close');
  return true;
}

async function isOurs(port: number): Promise<boolean> {
  return (await listening({ path: `\0ipthrottle-test-port-${port}` })) !== undefined;
}

/** Never the same one twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port + 1 < end ? port + 1 : lowest;
    if ((await isOurs(port)) && (await isFree(port))) return port;
  }
}
