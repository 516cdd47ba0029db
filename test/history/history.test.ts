/** What happened is kept: a store that fails, many events, bounds. */
import { describe, expect, test } from 'vitest';
import type { HistoryFilter } from '../../src/core/history-event.ts';
import { Health } from '../../src/health/health.ts';
import { History, maxWaiting } from '../../src/history/history.ts';
import { Fault } from '../../src/runtime/errors.ts';
import { doNow } from '../../src/runtime/work.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';

const dayMs = 86_400_000;

/** A store that can be broken. */
class BrittleStore extends MemoryStore {
  isBroken = false;
  commits = 0;

  override addEvents(...parts: Parameters<MemoryStore['addEvents']>): void {
    this.tryWriting();
    this.commits += 1;
    super.addEvents(...parts);
  }

  override addTotals(...parts: Parameters<MemoryStore['addTotals']>): void {
    this.tryWriting();
    super.addTotals(...parts);
  }

  override tryWriting(): void {
    if (this.isBroken) throw new Fault('store', 'the disk is full');
  }
}

function site(bounds = { history: 100_000, historyDays: 90 }) {
  const log = { info() {}, warn() {}, error() {} };
  const time = { ms: 100 * dayMs };
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  const health = new Health(log, clock, () => {});
  const store = new BrittleStore();
  const live = { ...bounds };
  const history = new History({ store, health, clock, bounds: () => live });
  const write = () => doNow(history.writing());
  const read = (filter: HistoryFilter = {}) => {
    return [...history.events(filter)].flatMap((event) => event ?? []).reverse();
  };
  const stored = () => store.events(undefined, 1e9, 0, 1e15).events.toReversed();
  /** Notes so many events, whose values are numbers. */
  const noteMany = (count: number) => {
    for (let number = 0; number < count; number += 1) {
      history.note({ event: 'blocked', value: String(number) });
    }
  };
  return { history, health, store, time, live, write, read, stored, noteMany };
}

test('an event is kept with its time, and what it does not say is empty', () => {
  const { history, write, stored, time } = site();
  history.note({ event: 'allowed', value: '192.0.2.1', by: 'alice', forMs: 1000.4 });
  expect(stored()).toEqual([]);
  write();
  expect(stored()).toEqual([
    {
      atMs: time.ms,
      event: 'allowed',
      class: '',
      value: '192.0.2.1',
      by: 'alice',
      reason: '',
      count: 0,
      limit: 0,
      seconds: 0,
      forMs: 1000,
      times: 0,
    },
  ]);
});

test('events that wait are read too, and each once', () => {
  const { history, store, read, write } = site();
  history.note({ event: 'blocked' });
  write();
  history.note({ event: 'block ended' });
  store.isBroken = true;
  expect(read().map(({ event }) => event)).toEqual(['blocked', 'block ended']);
  store.isBroken = false;
  expect(read().map(({ event }) => event)).toEqual(['blocked', 'block ended']);
  expect(read({ event: 'blocked' })).toHaveLength(1);
});

test('what is written while somebody reads is read once', () => {
  const { history, store, time, noteMany } = site();
  store.isBroken = true;
  noteMany(3);
  const reading = history.events();
  const values = [reading.next().value?.value];
  store.isBroken = false;
  time.ms += 5000;
  history.close();
  for (const event of reading) if (event) values.push(event.value);
  expect(values).toEqual(['2', '1', '0']);
});

test('many events are read in their order, from many pages', () => {
  const { noteMany, read, history } = site();
  noteMany(1700);
  history.close();
  noteMany(3);
  const values = read().map(({ value }) => Number(value));
  expect(values).toEqual([...Array(1700).keys(), 0, 1, 2]);
});

test('many events are written in few commits, between which others have their turn', () => {
  const { noteMany, history, store, stored } = site();
  noteMany(1000);
  const work = history.writing();
  expect(work.next().done).toBe(false);
  expect(stored()).toHaveLength(250);
  noteMany(1);
  while (!work.next().done);
  expect(stored()).toHaveLength(1001);
  expect(store.commits).toBe(5);
});

test('a pause in the middle of writing loses nothing when all is closed', () => {
  const { noteMany, history, stored } = site();
  noteMany(600);
  const work = history.writing();
  work.next();
  work.return(undefined);
  history.close();
  expect(stored().map(({ value }) => Number(value))).toEqual([...Array(600).keys()]);
});

describe('while the store cannot be written', () => {
  test('it is trouble, tried again after five seconds, and nothing is lost', () => {
    const { history, store, health, time, write, stored } = site();
    store.isBroken = true;
    history.note({ event: 'blocked' });
    write();
    expect(health.trouble('history')).toMatchObject({
      failures: 1,
      what: expect.stringContaining('full'),
    });
    store.isBroken = false;
    time.ms += 4999;
    history.note({ event: 'block ended' });
    write();
    expect(stored()).toEqual([]);
    time.ms += 1;
    write();
    expect(stored().map(({ event }) => event)).toEqual(['blocked', 'block ended']);
    expect(health.trouble('history')).toBeUndefined();
  });

  test('so many events wait, the later ones are counted, and the history says that it lacks them', () => {
    const { noteMany, history, store, health, write, stored, time } = site();
    store.isBroken = true;
    noteMany(maxWaiting + 7);
    write();
    expect(health.tally('event lost').count).toBe(7);
    store.isBroken = false;
    time.ms += 5000;
    write();
    history.note({ event: 'unblocked' });
    write();
    expect(stored()).toHaveLength(maxWaiting + 2);
    expect(stored().at(-3)).toMatchObject({ value: String(maxWaiting - 1) });
    expect(stored().slice(-2)).toMatchObject([
      { event: 'events lost', count: 7 },
      { event: 'unblocked' },
    ]);
  });

  test('closing tries once more, whenever the last time was', () => {
    const { history, store, write, stored } = site();
    store.isBroken = true;
    history.note({ event: 'blocked' });
    write();
    store.isBroken = false;
    history.close();
    expect(stored()).toHaveLength(1);
  });
});

describe('the bounds', () => {
  test('so many events are kept, the latest', () => {
    const { noteMany, write, stored } = site({ history: 300, historyDays: 90 });
    for (let turn = 0; turn < 4; turn += 1) {
      noteMany(500);
      write();
    }
    expect(stored()).toHaveLength(300);
    expect(stored().at(-1)?.value).toBe('499');
  });

  test('none is kept for more days', () => {
    const { history, time, write, stored } = site({ history: 300, historyDays: 2 });
    history.note({ event: 'blocked' });
    write();
    time.ms += 2 * dayMs;
    doNow(history.forgetting());
    expect(stored()).toHaveLength(1);
    time.ms += 1;
    doNow(history.forgetting());
    expect(stored()).toEqual([]);
  });

  test('forgetting very many is done in steps', () => {
    const { noteMany, history, live, stored } = site();
    noteMany(2000);
    history.close();
    live.history = 10;
    const work = history.forgetting();
    work.next();
    expect(stored().length).toBeGreaterThan(1500);
    doNow(work);
    expect(stored()).toHaveLength(10);
  });

  test('with 0 nothing is kept, and what was is forgotten', () => {
    const { history, live, write, stored } = site();
    history.note({ event: 'blocked' });
    history.count([{ name: 'ip', within: 1, exceeded: 0, blocked: 0, errors: 0 }]);
    write();
    live.history = 0;
    history.note({ event: 'block ended' });
    history.count([{ name: 'ip', within: 2, exceeded: 0, blocked: 0, errors: 0 }]);
    history.close();
    doNow(history.forgetting());
    expect(stored()).toEqual([]);
    expect(history.totals(0, 1e15)).toEqual([]);
  });

  test('a reason is cut', () => {
    const { history, write, stored } = site();
    history.note({ event: 'reloaded', reason: 'x'.repeat(100_000) });
    write();
    expect(stored()[0]?.reason).toHaveLength(1000);
  });
});

describe('the hourly totals', () => {
  const none = { within: 0, exceeded: 0, blocked: 0, errors: 0 };

  test('are what was counted since the last time, by class and hour', () => {
    const { history, time } = site();
    const hour = Math.floor(time.ms / 3_600_000) * 3_600_000;
    history.count([{ name: 'ip', ...none, within: 3 }]);
    history.count([
      { name: 'ip', ...none, within: 5, blocked: 1 },
      { name: 'user', ...none },
    ]);
    time.ms = hour + 3_600_000;
    history.count([
      { name: 'ip', ...none, within: 5, blocked: 4 },
      { name: 'user', ...none, errors: 2 },
    ]);
    expect(history.totals(0, 1e15)).toEqual([
      { hourMs: hour, class: 'ip', ...none, within: 5, blocked: 1 },
      { hourMs: time.ms, class: 'ip', ...none, blocked: 3 },
      { hourMs: time.ms, class: 'user', ...none, errors: 2 },
    ]);
    expect(history.totals(time.ms, 1e15)).toHaveLength(2);
  });

  test('lose nothing while the store cannot be written', () => {
    const { history, store, health } = site();
    store.isBroken = true;
    history.count([{ name: 'ip', ...none, within: 3 }]);
    expect(health.trouble('history')).toBeDefined();
    store.isBroken = false;
    history.count([{ name: 'ip', ...none, within: 4 }]);
    expect(history.totals(0, 1e15)).toMatchObject([{ within: 4 }]);
    expect(health.trouble('history')).toBeUndefined();
  });
});

describe('the history follows', () => {
  test('trouble with a part: its beginning, another trouble, its end', () => {
    const { history, health, time, read } = site();
    health.failed('server', 'peers /p', 'cannot write');
    history.follow(health);
    for (const what of ['cannot write', 'cannot read']) health.failed('server', 'peers /p', what);
    time.ms += 5000;
    health.worked('server', 'peers /p');
    health.worked('server', 'peers /p');
    expect(read()).toMatchObject([
      { event: 'degraded', value: 'server', reason: 'peers /p: cannot write' },
      { event: 'degraded', value: 'server', reason: 'peers /p: cannot read' },
      { event: 'recovered', value: 'server', reason: 'peers /p', forMs: 5000 },
    ]);
  });

  test('clients that were let in uncounted, with their number, and all of it at the end', () => {
    const { history, health, read } = site();
    history.follow(health);
    health.warn('failed open', {}, 3);
    health.warn('failed open', {}, 4);
    health.warn('value forgotten');
    health.tellUntold();
    expect(read()).toMatchObject([
      { event: 'failed open', value: 'failed open', count: 3 },
      { event: 'degraded', value: 'value forgotten', count: 1 },
      { event: 'failed open', value: 'failed open', count: 4 },
    ]);
  });
});
