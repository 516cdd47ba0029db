/** What a process has cost, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const ticksASecond = 100;

/** CPU seconds of a process and of its children that have ended, to a hundredth. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may hold anything; utime is the 14th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const times = fields.slice(11, 15).map(Number);
  return times.reduce((sum, ticks) => sum + ticks, 0) / ticksASecond;
}

/** CPU seconds of a process's threads, to a millionth: for differences of a few percent. */
export function threadSeconds(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
    return Number(text.split(' ')[0]);
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** Of it what no file stands behind, which is the process's own. */
export function anonymousBytes(pid: number): number {
  return statusBytes(pid, 'RssAnon');
}

function statusBytes(pid: number, field: 'VmRSS' | 'RssAnon'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text) ?? [];
  return Number(kilobytes ?? Number.NaN) * 1024;
}
