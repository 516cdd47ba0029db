/** The user nobody, whom root can become for a test where nobody may read the project. */
import { spawnSync } from 'node:child_process';

export const nobody = 65534;

function findReason(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root, so no other user to become';
  const path = new URL('../../dist/rater.js', import.meta.url).pathname;
  const { status } = spawnSync('test', ['-r', path], { uid: nobody, gid: nobody });
  return status === 0 ? undefined : `nobody may not read ${path}`;
}

/** Why a program of ours cannot run as nobody here, or undefined; says so on the console. */
export const cannotBecomeNobody = findReason();
if (cannotBecomeNobody) console.warn(`tests skipped: ${cannotBecomeNobody}`);
