/** What a process has cost, from /proc. */
import { readFileSync } from 'node:fs';

const ticksASecond = 100;

/** CPU seconds of a process and of its children that have ended, to a hundredth. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may hold anything; utime is the 14th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const times = fields.slice(11, 15).map(Number);
  return times.reduce((sum, ticks) => sum + ticks, 0) / ticksASecond;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1024;
}
