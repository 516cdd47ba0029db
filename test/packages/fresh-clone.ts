/**
 * The project as a clone has it: what git tracks or would track, as it is now, and nothing that was
 * built. The npm packages are those of the project, by a link.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../docs/manual-page.ts';
import { missing } from '../run/unless.ts';

export const noClone =
  missing('git', 'npm') ?? (existsSync(join(root, '.git')) ? undefined : 'not a clone of git');

export function freshClone(directory: string): string {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = spawnSync('git', list, { cwd: root, encoding: 'utf8' });
  for (const path of stdout.split('\0').filter((name) => existsSync(join(root, name)) && name)) {
    cpSync(join(root, path), join(directory, path));
  }
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
