/** How long commands take from their start to their end. */
import { type Contender, takeTurns } from './rounds.ts';
import type { Workbench } from './workbench.ts';

async function millisecondsOf(bench: Workbench, command: readonly string[]): Promise<number> {
  const startMs = performance.now();
  await bench.run(command);
  return performance.now() - startMs;
}

/** Milliseconds of `ipthrottle ARGS`, and of a Node with a script, which by default does nothing. */
export function timeCommand(
  bench: Workbench,
  config: string,
  args: readonly string[],
  script = '0',
) {
  const contender = (name: string, command: readonly string[]): Contender => {
    return { name, measure: () => millisecondsOf(bench, [process.execPath, ...command]) };
  };
  return takeTurns(bench.size(9, 5), {
    ours: contender(`ipthrottle ${args[0]}`, [bench.ours('ipthrottle'), '-c', config, ...args]),
    limit: contender(`node -e ${script === '0' ? script : 'console.log'}`, ['-e', script]),
  });
}
