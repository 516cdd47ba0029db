/** Servers of checks over a Unix socket: ours, redis, and the least possible in C and in Node. */
import { type CheckServer, startLineServer } from './peers/line-server.ts';
import { startNodeServer } from './peers/node-server.ts';
import { startRedis } from './peers/redis.ts';
import { startRater, statusOf } from './rater.ts';
import { type Finding, type Goal, type Series, Skipped } from './row.ts';
import type { Workbench } from './workbench.ts';

export type CheckServers = {
  readonly ours: CheckServer;
  /** Ours, asked by datagram. */
  readonly datagrams: CheckServer;
  readonly peer: CheckServer | undefined;
  readonly limit: CheckServer;
  readonly floor: CheckServer;
};

/** Their limits refuse no check. */
export async function startCheckServers(bench: Workbench): Promise<CheckServers> {
  const ours = await startRater(bench, { limits: 'ip: ( ("*", 60, 100000) );' });
  const { datagrams: socket } = await statusOf(ours);
  if (socket === null) throw new Skipped('rater has no socket for datagrams here');
  return {
    ours,
    datagrams: { pid: ours.pid, checked: { socket, protocol: 'datagram' } },
    peer: await startRedis(bench),
    limit: await startLineServer(bench),
    floor: await startNodeServer(bench),
  };
}

export function contender(
  name: string,
  server: CheckServer,
  measure: (server: CheckServer, round: number) => Promise<number>,
) {
  return { name, measure: (round: number) => measure(server, round) };
}

/** `measure` for each server of connections, under its name in the table. */
export function contenders(
  servers: CheckServers,
  measure: (server: CheckServer, round: number) => Promise<number>,
) {
  const one = (name: string, server: CheckServer) => contender(name, server, measure);
  return {
    ours: one('rater', servers.ours),
    peer: servers.peer && one('redis', servers.peer),
    limit: one('C epoll', servers.limit),
    floor: one('node:net', servers.floor),
  };
}

/** Ours against the least possible server in Node. */
export function ofFloor(
  { what, unit, ours }: Pick<Finding, 'what' | 'unit' | 'ours'>,
  floor: Series | undefined,
  goal?: Goal,
): Finding {
  return { what: `${what}, of node:net`, unit, ours, limit: floor, goal };
}
