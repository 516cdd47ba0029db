import { type Door, openDoors } from '../doors.ts';
import { visit } from '../load.ts';
import { cpuSeconds } from '../process-cost.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

function cpuOf({ pids }: Door): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

export const connectionCpu: Row = {
  name: 'connection-cpu',
  what: 'server CPU per allowed connection vs bare',
  async measure(bench) {
    const doors = await openDoors(bench);
    const visits = bench.size(1000, 400);
    const through = (door: Door) => ({
      name: door.name,
      async measure(round: number) {
        const before = cpuOf(door);
        const from = `127.2.${round}.1`;
        await visit(bench, { port: door.port, visits, concurrency: 8, from, spread: 250 });
        return ((cpuOf(door) - before) / visits) * 1e6;
      },
    });
    const { ours, bare, execOnly } = await takeTurns(bench.rounds, {
      ours: through(doors.ours),
      bare: through(doors.bare),
      execOnly: through(doors.execOnly),
    });
    if (!ours) return [];
    const goal = { is: 'at most', bound: 1.2, of: 'limit' } as const;
    return [
      {
        what: 'server CPU of an allowed connection',
        unit: 'us',
        ours,
        peer: execOnly,
        limit: bare,
        goal,
      },
    ];
  },
};
