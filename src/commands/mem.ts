/** `mem`: how much memory rater takes, and what for. */
import { type Command, daemonOf } from './command.ts';

function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

export const mem: Command = {
  name: 'mem',
  arguments: '',
  summary: 'say how much memory rater takes, and what it holds there',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const { gatekeeper } = context;
    const memory = daemonOf(context).memory();
    const held = {
      values: gatekeeper.trackedValues,
      blocks: gatekeeper.blocks.size,
      sessions: gatekeeper.openSessions,
      dryRuns: gatekeeper.dryRuns.all().length,
    };
    if (options.json) return { exit: 0, lines: [JSON.stringify({ ...memory, ...held })] };
    return {
      exit: 0,
      lines: [
        `resident: ${mebibytes(memory.residentBytes)}`,
        `heap: ${mebibytes(memory.heapUsedBytes)} of ${mebibytes(memory.heapTotalBytes)}`,
        `outside of the heap: ${mebibytes(memory.externalBytes)}`,
        `values: ${held.values}`,
        `blocks: ${held.blocks}`,
        `sessions: ${held.sessions}`,
        `dry runs: ${held.dryRuns}`,
      ],
    };
  },
};
