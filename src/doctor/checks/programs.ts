/** The programs around rater: that they are there, and that tcpsvd is the one of ipsvd. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { type Finding, hint, problem } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';
import type { Check } from '../check.ts';

const timeoutMs = 3000;

/** BusyBox names itself wherever it explains something, but not what it was built without. */
function isBusyBox(path: string): boolean {
  if (basename(realpathSync(path)) === 'busybox') return true;
  const { stdout, stderr } = spawnSync(path, ['--help'], {
    encoding: 'latin1',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return /BusyBox/i.test(`${stdout}${stderr}`);
}

function ofTcpsvd(searchPath: string): Finding[] {
  const path = programIn(searchPath, 'tcpsvd');
  if (path === undefined) {
    return [hint('tcpsvd is not in PATH', 'install ipsvd, or take out blocking.peers')];
  }
  if (!isBusyBox(path)) return [];
  const what = `${path} is the one of BusyBox, which has no -i, -x and -t, so it obeys no block`;
  return [problem(what, 'install ipsvd, and name its tcpsvd by its whole path in run scripts')];
}

export const programs: Check = {
  name: 'programs',
  looksAt: 'the programs around rater',
  run({ config, searchPath, ownDirectory }) {
    const { peers, tcprules } = config.blocking;
    const found: Finding[] = [];
    if (!programIn(searchPath, 'ratecheck') && !programIn(ownDirectory, 'ratecheck')) {
      const what = `ratecheck is neither in PATH nor in ${ownDirectory}`;
      found.push(problem(what, 'build it: npm run build says what is missing for that'));
    }
    if (peers) found.push(...ofTcpsvd(searchPath));
    if (tcprules && !programIn(searchPath, 'tcpserver')) {
      const remedy = 'install ucspi-tcp, or take out blocking.tcprules';
      found.push(hint('tcpserver is not in PATH', remedy));
    }
    return found;
  },
};
