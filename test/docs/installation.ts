/** The steps of an installation, as the README has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './manual-page.ts';

/** Its commands from the first that begins so. */
export function installation(first: string): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, commands = ''] = /## Installation\n.*?```sh\n(.*?)```/s.exec(readme) ?? [];
  const begin = commands.indexOf(`\n${first}`);
  if (begin < 0) throw new Error(`the README has no ${first}`);
  return commands.slice(begin + 1);
}
