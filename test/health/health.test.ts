import { expect, test } from 'vitest';
import { degradedModes } from '../../src/health/degraded-modes.ts';
import { Health } from '../../src/health/health.ts';
import { Fault } from '../../src/runtime/errors.ts';
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
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  const health = new Health(log, clock, (task) => void tasks.push(task));
  /** Tasks that wait for the end of their minute. */
  const minute = () => {
    for (const task of tasks.splice(0)) task();
  };
  const refused = () => health.tallies().find(({ mode }) => mode === 'connection refused');
  return { health, lines, minute, tasks, time, refused };
}

/** Throws a Fault caused by a system error with this code. */
function failing(file: string, code: string): () => never {
  return () => {
    throw new Fault('enforcer', `cannot write ${file}`, Object.assign(new Error(), { code }));
  };
}

test('the first event is logged at once, the others together after the minute', () => {
  const { health, lines, minute, tasks } = site();
  for (let number = 1; number <= 1000; number += 1) health.warn('connection refused', { number });
  expect(lines).toEqual(['warn connection refused {"number":1,"count":1}']);
  minute();
  expect(lines.slice(1)).toEqual(['warn connection refused {"number":1000,"count":999}']);
  health.warn('connection refused', { number: 1001 });
  expect(lines).toHaveLength(2);
  minute();
  expect(lines.slice(2)).toEqual(['warn connection refused {"number":1001,"count":1}']);
  minute();
  expect(tasks).toEqual([]);
  expect(lines).toHaveLength(3);
});

test('events do not wait for each other, and keep their level', () => {
  const { health, lines } = site();
  health.warn('connection refused');
  health.error('listener', { what: 'EMFILE' });
  expect(lines).toEqual([
    'warn connection refused {"count":1}',
    'error listener {"what":"EMFILE","count":1}',
  ]);
});

test('all events are counted, and their mode holds until a minute has passed without one', () => {
  const { health, minute, time, refused } = site();
  const [mode, firstMs, sinceMs] = ['connection refused', 2000, 2000] as const;
  expect(refused()).toMatchObject({ count: 0, firstMs: undefined, sinceMs: undefined });
  for (time.ms = 2000; time.ms < 2010; time.ms += 1) health.warn(mode);
  expect(refused()).toEqual({ mode, count: 10, firstMs, lastMs: 2009, sinceMs });
  minute();
  expect(refused()).toMatchObject({ count: 10, sinceMs });
  minute();
  expect(refused()).toEqual({ mode, count: 10, firstMs, lastMs: 2009, sinceMs: undefined });
  time.ms = 5000;
  health.warn(mode);
  expect(refused()).toEqual({ mode, count: 11, firstMs, lastMs: 5000, sinceMs: 5000 });
});

test('trouble is logged when it begins, changes its kind and ends, but not at every attempt', () => {
  const { health, lines } = site();
  const { message } = new Fault('enforcer', 'cannot write 192.0.2.1');
  health.try('server', 'peers', failing('192.0.2.1', 'ENOSPC'));
  health.try('server', 'peers', failing('192.0.2.2', 'ENOSPC'));
  expect(lines).toEqual([`error trouble {"part":"peers","what":"${message}"}`]);
  health.try('server', 'peers', failing('192.0.2.2', 'EACCES'));
  expect(lines).toHaveLength(2);
  expect(health.try('server', 'peers', () => 'done')).toBe('done');
  expect(health.try('server', 'peers', () => 'done')).toBe('done');
  expect(lines.slice(2)).toEqual(['info recovered {"part":"peers"}']);
  health.try('server', 'peers', failing('192.0.2.2', 'EACCES'));
  expect(lines, 'after its end it begins anew').toHaveLength(4);
});

test('without a system error code, another sentence is another trouble', () => {
  const { health, lines } = site();
  for (const what of ['away', 'away', 'replaced', 'away'])
    health.failed('database file', 'db', what);
  expect(lines).toEqual([
    'error trouble {"part":"db","what":"away"}',
    'error trouble {"part":"db","what":"replaced"}',
    'error trouble {"part":"db","what":"away"}',
  ]);
});

test('every attempt is counted, and a trouble has its latest sentence and first instant', () => {
  const { health, time } = site();
  const [mode, part] = ['server', 'peers'] as const;
  for (const file of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    health.attempt(mode, part, failing(file, 'ENOSPC'));
    time.ms += 500;
  }
  const { message: what } = new Fault('enforcer', 'cannot write 192.0.2.3');
  expect(health.trouble(mode, part)).toMatchObject({
    mode,
    part,
    what,
    sinceMs: 1000,
    failures: 3,
  });
  health.worked(mode, part);
  expect(health.trouble(mode, part)).toBeUndefined();
  health.attempt(mode, part, failing('192.0.2.1', 'ENOSPC'));
  expect(health.trouble(mode, part)).toMatchObject({ sinceMs: 2500, failures: 1 });
  expect(health.tally(mode)).toEqual({
    mode,
    count: 4,
    firstMs: 1000,
    lastMs: 2500,
    sinceMs: 2500,
  });
});

test('the success of one item of many does not end a trouble', () => {
  const { health, lines } = site();
  expect(health.attempt('server', 'peers', failing('192.0.2.1', 'EACCES'))).toBeUndefined();
  expect(health.attempt('server', 'peers', () => 'done')).toBe('done');
  expect([health.troubles().length, lines.length]).toEqual([1, 1]);
});

test('an error that is not a Fault is a mistake of ours, and thrown', () => {
  const { health, lines } = site();
  const impossible = () => {
    throw new TypeError('impossible');
  };
  expect(() => health.try('server', 'peers', impossible)).toThrow('impossible');
  expect([health.tally('server').count, lines]).toEqual([0, []]);
});

test('parts and modes are in trouble independently', () => {
  const { health, time } = site();
  health.failed('database', 'store', 'locked');
  time.ms = 2000;
  health.failed('database', 'store (reading)', 'locked');
  expect(health.trouble('database', 'store (reading)')?.sinceMs).toBe(2000);
  expect(health.trouble('database')?.part, 'for longest').toBe('store');
  expect(health.tally('database')).toMatchObject({ count: 2, sinceMs: 1000 });
  health.worked('database', 'store');
  health.worked('server', 'store (reading)');
  expect(health.trouble('database')?.part).toBe('store (reading)');
  expect(health.tally('database').sinceMs).toBe(2000);
  expect(health.trouble('server')).toBeUndefined();
});

test('trouble that the caller logs itself is counted, but not logged again', () => {
  const { health, lines } = site();
  expect(health.note('watch', 'peers', 'ENOSPC')).toBe(true);
  expect(health.note('watch', 'peers', 'ENOSPC')).toBe(false);
  expect(health.note('watch', 'peers', 'ENOENT')).toBe(true);
  expect(health.troubles()).toMatchObject([{ part: 'peers', what: 'ENOENT', failures: 3 }]);
  expect([health.ended('watch', 'peers'), health.ended('watch', 'peers')]).toEqual([true, false]);
  expect([health.troubles(), lines]).toEqual([[], []]);
});

test('troubles are in the order of the table, each part once, without events', () => {
  const { health } = site();
  health.note('watch', 'peers', 'ENOSPC');
  health.note('cdb', 'rules.cdb', 'line 1');
  health.failed('server', 'rules.cdb', 'cannot be told');
  health.failed('database', 'store', 'locked');
  health.warn('connection refused');
  expect(health.troubles().map(({ mode, part }) => `${mode}: ${part}`)).toEqual([
    'database: store',
    'cdb: rules.cdb',
    'watch: peers',
  ]);
  expect(health.tallies().map(({ mode }) => mode)).toEqual(Object.keys(degradedModes));
});
