import { expect, test } from 'vitest';
import { Degradations } from '../../src/health/health.ts';
import { RareLog } from '../../src/health/rare-log.ts';
import type { Fields } from '../../src/runtime/log.ts';

function site() {
  const lines: string[] = [];
  const note = (level: string) => (event: string, fields?: Fields) => {
    lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  };
  const log = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  };
  const tasks: (() => void)[] = [];
  const time = { ms: 1000 };
  const degradations = new Degradations({ wallMs: () => time.ms, monotonicMs: () => time.ms });
  const rareLog = new RareLog(log, degradations, (task) => void tasks.push(task));
  /** What has waited for the end of its minute. */
  const minute = () => {
    for (const task of tasks.splice(0)) task();
  };
  const refused = () => degradations.tallies().find(({ mode }) => mode === 'connection refused');
  return { rareLog, lines, minute, tasks, time, refused };
}

test('the first is told at once, the others together when the minute is over', () => {
  const { rareLog, lines, minute, tasks } = site();
  for (let number = 1; number <= 1000; number += 1) rareLog.warn('connection refused', { number });
  expect(lines).toEqual(['warn connection refused {"number":1,"count":1}']);
  minute();
  expect(lines.slice(1)).toEqual(['warn connection refused {"number":1000,"count":999}']);
  rareLog.warn('connection refused', { number: 1001 });
  expect(lines).toHaveLength(2);
  minute();
  expect(lines.slice(2)).toEqual(['warn connection refused {"number":1001,"count":1}']);
  minute();
  expect(tasks).toEqual([]);
  expect(lines).toHaveLength(3);
});

test('events do not wait for each other, and keep their level', () => {
  const { rareLog, lines } = site();
  rareLog.warn('connection refused');
  rareLog.error('listener', { what: 'EMFILE' });
  expect(lines).toEqual([
    'warn connection refused {"count":1}',
    'error listener {"what":"EMFILE","count":1}',
  ]);
});

test('all are counted, and it is so until a minute has passed without one', () => {
  const { rareLog, minute, time, refused } = site();
  const [mode, firstMs, sinceMs] = ['connection refused', 2000, 2000] as const;
  expect(refused()).toMatchObject({ count: 0, firstMs: undefined, sinceMs: undefined });
  for (time.ms = 2000; time.ms < 2010; time.ms += 1) rareLog.warn(mode);
  expect(refused()).toEqual({ mode, count: 10, firstMs, lastMs: 2009, sinceMs });
  minute();
  expect(refused()).toMatchObject({ count: 10, sinceMs });
  minute();
  expect(refused()).toEqual({ mode, count: 10, firstMs, lastMs: 2009, sinceMs: undefined });
  time.ms = 5000;
  rareLog.warn(mode);
  expect(refused()).toEqual({ mode, count: 11, firstMs, lastMs: 5000, sinceMs: 5000 });
});
