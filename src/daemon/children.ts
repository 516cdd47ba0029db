/**
 * The child processes of this one, as the kernel lists them: so none is forgotten, whatever code
 * started it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Child } from '../commands/running-daemon.ts';

/** USER_HZ, in which the kernel gives times to programs; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

const states: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for a disk',
  T: 'stopped',
  t: 'stopped',
  Z: 'ended',
  X: 'ended',
};

/** Empty when the process has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function childIn(pid: string, upSeconds: number): Child[] {
  const stat = read(`/proc/${pid}/stat`);
  // The name in parentheses may itself hold parentheses, so the last one counts.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent] = fields;
  if (Number(parent) !== process.pid) return [];
  const started = Number(fields[19]) / ticksPerSecond;
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  return [
    {
      pid: Number(pid),
      forMs: Math.max(0, (upSeconds - started) * 1000),
      state: states[state] ?? state,
      command: command || name,
    },
  ];
}

export function children(): Child[] {
  const upSeconds = Number.parseFloat(read('/proc/uptime'));
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => childIn(pid, upSeconds));
}
