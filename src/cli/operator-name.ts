/**
 * Who runs this program, for the history: the user's name, behind sudo or doas `alice as root`.
 *
 * It is the caller's own word. Only root and rater's user can give it to rater, and they could write
 * to the database as well.
 */
import { userInfo } from 'node:os';

export function operatorName(environment: NodeJS.ProcessEnv = process.env): string {
  const user = nameOf(process.getuid?.());
  const behind = environment.SUDO_USER || environment.DOAS_USER;
  return behind && behind !== user ? `${behind} as ${user}` : user;
}

/** A user without a name is called by the number. */
function nameOf(uid: number | undefined): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${uid}`;
  }
}
