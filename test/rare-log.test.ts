import { expect, test } from 'vitest';
import type { Fields } from '../src/log.ts';
import { RareLog } from '../src/rare-log.ts';

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
  const rareLog = new RareLog(log, (task) => void tasks.push(task));
  /** What has waited for the end of its minute. */
  const minute = () => {
    for (const task of tasks.splice(0)) task();
  };
  return { rareLog, lines, minute, tasks };
}

test('the first is told at once, the others together when the minute is over', () => {
  const { rareLog, lines, minute, tasks } = site();
  for (let number = 1; number <= 1000; number += 1) rareLog.warn('full', { number });
  expect(lines).toEqual(['warn full {"number":1,"count":1}']);
  minute();
  expect(lines.slice(1)).toEqual(['warn full {"number":1000,"count":999}']);
  rareLog.warn('full', { number: 1001 });
  expect(lines).toHaveLength(2);
  minute();
  expect(lines.slice(2)).toEqual(['warn full {"number":1001,"count":1}']);
  minute();
  expect(tasks).toEqual([]);
  expect(lines).toHaveLength(3);
});

test('events do not wait for each other, and keep their level', () => {
  const { rareLog, lines } = site();
  rareLog.warn('full');
  rareLog.error('listener', { what: 'EMFILE' });
  expect(lines).toEqual(['warn full {"count":1}', 'error listener {"what":"EMFILE","count":1}']);
});
