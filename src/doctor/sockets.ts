/** Who may connect: sockets that are open to more than the configuration says. */
import { lstatSync } from 'node:fs';
import { type Check, type Finding, problem } from './check.ts';

const controlMode = 0o600;

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function tooWide(path: string, wanted: number, whose: string): Finding[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const mode = (stats?.mode ?? 0) & 0o777;
  if (!stats?.isSocket() || (mode & ~wanted) === 0) return [];
  const what = `${path} has mode ${octal(mode)}, ${whose} is ${octal(wanted)}`;
  return [problem(what, `chmod ${octal(wanted)} ${path}`)];
}

export const sockets: Check = {
  name: 'sockets',
  looksAt: 'the modes of the sockets',
  run({ config }) {
    const { socket, socketMode, controlSocket } = config.settings;
    return [
      ...tooWide(socket, socketMode, 'settings.socket_mode'),
      ...tooWide(
        controlSocket,
        controlMode,
        'what it must not exceed, because it gives all power,',
      ),
    ];
  },
};
