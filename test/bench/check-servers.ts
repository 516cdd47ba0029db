/** Servers of checks over a Unix socket: ours, redis, and the least possible in C and in Node. */
import { type CheckServer, startLineServer } from './peers/line-server.ts';
import { startNodeServer } from './peers/node-server.ts';
import { startRedis } from './peers/redis.ts';
import { startRater } from './rater.ts';
import type { Finding, Goal, Series } from './row.ts';
import type { Workbench } from './workbench.ts';

export type CheckServers = {
  readonly ours: CheckServer;
  readonly peer: CheckServer | undefined;
  readonly limit: CheckServer;
  readonly floor: CheckServer;
};

/** Their limits refuse no check. */
export async function startCheckServers(bench: Workbench): Promise<CheckServers> {
  return {
    ours: await startRater(bench, { limits: 'ip: ( ("*", 60, 100000) );' }),
    peer: await startRedis(bench),
    limit: await startLineServer(bench),
    floor: await startNodeServer(bench),
  };
}

/** `measure` for each server, under its name in the table. */
export function contenders(
  servers: CheckServers,
  measure: (server: CheckServer, round: number) => Promise<number>,
) {
  const one = (name: string, server: CheckServer) => ({
    name,
    measure: (round: number) => measure(server, round),
  });
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
