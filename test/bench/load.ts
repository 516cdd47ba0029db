/** The load generator, load.c, as functions. */
import type { RunningProgram } from '../system/running-program.ts';
import type { Workbench } from './workbench.ts';

export type Visits = {
  readonly port: number;
  readonly visits: number;
  readonly concurrency: number;
  /** The first of `spread` source addresses. */
  readonly from: string;
  readonly spread?: number;
  /** Makes no new visits once one was dropped. */
  readonly untilDrop?: boolean;
};

export type Visited = {
  readonly seconds: number;
  readonly greeted: number;
  readonly refused: number;
  readonly dropped: number;
  /** Answered with neither 220 nor 421. */
  readonly failed: number;
  /** From the first connection; -1 when none was dropped. */
  readonly firstDropMs: number;
};

/** Where checks are answered, and in which protocol. */
export type Checked = {
  readonly socket: string;
  readonly protocol: 'rater' | 'datagram' | 'redis';
};

export type Checks = {
  readonly server: Checked;
  readonly checks: number;
  readonly concurrency: number;
  /** Checks in flight on a connection. */
  readonly depth: number;
  /** Whether connections stay open. */
  readonly keep: boolean;
  /** The first of `spread` values, which are addresses. */
  readonly from: string;
  readonly spread: number;
  readonly class?: string;
  /** How long redis keys live. */
  readonly seconds?: number;
};

export async function visit(bench: Workbench, wanted: Visits): Promise<Visited> {
  const { port, visits, concurrency, from, spread = 1, untilDrop = false } = wanted;
  const numbers = [port, visits, concurrency].map(String);
  const said = await bench.run([
    ...[bench.program('load'), 'visit', ...numbers],
    ...[from, String(spread), untilDrop ? '1' : '0'],
  ]);
  const visited = JSON.parse(said) as Visited;
  if (visited.failed > 0) throw new Error(`${visited.failed} answers make no sense`);
  return visited;
}

/** Seconds that the checks took. */
export async function ask(bench: Workbench, wanted: Checks): Promise<number> {
  const { server, checks, concurrency, depth, keep, from, spread } = wanted;
  const said = await bench.run([
    ...[bench.program('load'), 'ask', server.socket, server.protocol, wanted.class ?? 'ip'],
    ...[checks, concurrency, depth, keep ? 1 : 0].map(String),
    ...[from, spread, wanted.seconds ?? 60].map(String),
  ]);
  const { seconds, errors } = JSON.parse(said) as { seconds: number; errors: number };
  if (errors > 0) throw new Error(`${errors} of ${checks} checks were answered with an error`);
  return seconds;
}

export type Probed = { readonly checks: number; readonly longestMs: number };

/** The value that a probe checks; a row with limits must not limit it. */
export const probed = '10.255.255.254';

/** Checks about every millisecond until the returned function is called. */
export function probe(bench: Workbench, server: Checked): () => Promise<Probed> {
  const command = [bench.program('load'), 'probe', server.socket, server.protocol, 'ip'];
  const program: RunningProgram = bench.start('/', command);
  return async () => {
    await program.killedBy('SIGTERM');
    return JSON.parse(program.said) as Probed;
  };
}
