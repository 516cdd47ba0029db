/** Whether a peer is there. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export function isInstalled(program: string): boolean {
  const path = ['/usr/sbin', '/sbin', process.env.PATH ?? ''].join(delimiter);
  return path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
