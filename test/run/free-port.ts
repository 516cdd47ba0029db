/**
 * A port of 127.0.0.1 on which nobody listens.
 *
 * It is none that the kernel gives out by itself: the server that takes it comes a moment later, and
 * meanwhile thousands of clients are given ports.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const lowest = 10_000;
const range = '/proc/sys/net/ipv4/ip_local_port_range';
/** From here on the kernel gives them out, unless it has been told to begin very low. */
const end = Math.max(
  lowest + 10_000,
  existsSync(range) ? Number.parseInt(readFileSync(range, 'utf8'), 10) : 0,
);
let last = randomInt(lowest, end);

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Never the same one twice in a file of tests. */
export async function freePort(): Promise<number> {
  do {
    last = last + 1 < end ? last + 1 : lowest;
  } while (!(await isFree(last)));
  return last;
}
