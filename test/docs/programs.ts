/** Running programs that a machine may lack. */
import { spawnSync } from 'node:child_process';

/** All that a program says, and its exit status. */
export function run(command: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}
