/** A tcpsvd or tcpserver on a loopback port of its own, with a program that says one word. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export type Throwaway = {
  /** Whether a client at `address` reaches the program without instructions for rblsmtpd. */
  letsIn(address: string): Promise<boolean>;
  stop(): Promise<void>;
};

const host = '127.0.0.1';
const timeoutMs = 5000;
const tries = 5;
const lookAgainMs = 20;
const welcome = 'in';
const program = ['/bin/sh', '-c', `[ -z "$RBLSMTPD" ] && echo ${welcome} || echo refused`];

/** Throws an Error with the server's words if it does not listen. */
export async function startThrowaway(
  server: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<Throwaway> {
  let said = '';
  for (let attempt = 0; attempt < tries; attempt += 1) {
    signal.throwIfAborted();
    const port = await freePort();
    const child = spawn(server, [...options, host, String(port), ...program], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    said = '';
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    child.on('error', (error) => {
      said += error.message;
    });
    if (await listens(child, port, signal)) {
      return { letsIn: (address) => letsIn(port, address), stop: () => ended(child) };
    }
    await ended(child);
    // Another program may have taken the port meanwhile.
    if (!/already used|in use/.test(said)) break;
  }
  throw new Error(`${server} does not listen: ${JSON.stringify(said.trim().slice(0, 200))}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isRunning({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Waits until the port accepts connections while the server still runs. */
async function listens(child: ChildProcess, port: number, signal: AbortSignal): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += lookAgainMs) {
    await pause(lookAgainMs);
    if (signal.aborted || !isRunning(child)) return false;
    const answer = await said(port, host).catch(() => undefined);
    if (answer !== undefined) return isRunning(child);
  }
  return false;
}

async function letsIn(port: number, address: string): Promise<boolean> {
  return (await said(port, address)).trim() === welcome;
}

/** Everything that the server says to a client at `address`. */
function said(port: number, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host, port, localAddress: address });
    socket.setEncoding('latin1').setTimeout(timeoutMs, () => {
      socket.destroy(new Error(`the server neither answers ${address} nor drops it`));
    });
    socket.on('data', (more) => {
      text += more;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resolve(text);
      else reject(error);
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const end = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const inVain = pause(timeoutMs, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
  await Promise.race([end, inVain]);
}
