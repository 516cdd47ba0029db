/** Whether tcpsvd is installed, and is that of ipsvd. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { type Finding, hint, problem } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';

const timeoutMs = 3000;

/** BusyBox names itself in any help that it gives, whatever it was built without. */
function isBusyBox(path: string): boolean {
  if (basename(realpathSync(path)) === 'busybox') return true;
  const { stdout, stderr } = spawnSync(path, ['--help'], {
    encoding: 'latin1',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return /BusyBox/i.test(`${stdout}${stderr}`);
}

export function checkTcpsvd(searchPath: string): Finding[] {
  const path = programIn(searchPath, 'tcpsvd');
  if (path === undefined) {
    return [hint('tcpsvd is not in PATH', 'install ipsvd, or take out blocking.peers')];
  }
  if (!isBusyBox(path)) return [];
  const what = `${path} is BusyBox's, which ignores -i, -x and -t, so it obeys no block`;
  return [problem(what, 'install ipsvd, and name its tcpsvd by its whole path in run scripts')];
}
