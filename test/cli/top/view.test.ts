/**
 * What keys do, and what stays of one answer to the next.
 *
 * Tests: src/cli/top/rows.ts
 */
import { describe, expect, test } from 'vitest';
import { Rows } from '../../../src/cli/top/rows.ts';
import { type Effect, View } from '../../../src/cli/top/view.ts';
import { answer, draw, textOf, value, viewOf } from './pictures.ts';

const [one, two, three] = [value('192.0.2.1'), value('192.0.2.2'), value('192.0.2.3')] as const;
const bob = value('bob', { class: 'user' });

function pressed(view: View, ...keys: string[]): Effect | undefined {
  return keys.map((key) => view.press(key)).at(-1);
}

function lastLine(view: View): string | undefined {
  return draw(view, 80, 24).at(-1)?.text.trimEnd();
}

describe('Guarantee: what is selected is a value and not a row:', () => {
  test('it stays selected when the rows change their order', () => {
    const view = viewOf(answer([one, two, three]));
    pressed(view, 'down', 'down');
    expect(view.selected).toBe('ip 192.0.2.2');
    view.take(answer([three, one, two]), 1000);
    expect(view.selectedRow?.value.value).toBe('192.0.2.2');
    pressed(view, 'up');
    expect(view.selected).toBe('ip 192.0.2.1');
    pressed(view, 'i', 'up');
    expect(view.selected).toBe('ip 192.0.2.2');
  });

  test.each([
    ['b', 'block', 'Block 192.0.2.2? y/n'],
    ['u', 'unblock', 'Unblock 192.0.2.2? y/n'],
    ['a', 'allow', 'Allow 192.0.2.2 for an hour? y/n'],
  ])('%s acts on the address that its question named', (key, act, question) => {
    const view = viewOf(answer([one, two, three]));
    pressed(view, 'j', 'j', key);
    expect(lastLine(view)).toBe(question);
    view.take(answer([two, three, one]), 1000);
    expect(lastLine(view)).toBe(question);
    view.take(answer([three, one]), 2000);
    view.take(answer([three, one]), 20_000);
    expect(view.press('y')).toEqual({ act, address: '192.0.2.2' });
    expect(view.question).toBeUndefined();
  });

  test('any other key than y does nothing but end the question', () => {
    for (const key of ['n', 'b', 'q', 'return', 'down', 'escape']) {
      const view = viewOf(answer([one, two]));
      expect(pressed(view, 'j', 'b', key)).toBeUndefined();
      expect(lastLine(view)).toBe('did not block 192.0.2.1');
      expect(view.selected).toBe('ip 192.0.2.1');
    }
  });

  test('nothing is asked of a value that is not shown, or of none', () => {
    const view = viewOf(answer([one]));
    pressed(view, 'b');
    expect(view.question).toBeUndefined();
    expect(lastLine(view)).toBe('choose a value first, with the arrow keys');
    pressed(view, 'j');
    view.take(answer([two]), 1000);
    view.take(answer([two]), 20_000);
    pressed(view, 'b');
    expect(view.question).toBeUndefined();
  });
});

test('only addresses can be blocked, and nothing with --read-only', () => {
  const view = viewOf(answer([bob]));
  pressed(view, 'j', 'b');
  expect([view.question, lastLine(view)]).toEqual([
    undefined,
    'cannot block: that is not an address',
  ]);
  const usual = { order: 'rate', class: undefined, filter: '', delaySeconds: 1 } as const;
  const careful = new View({ ...usual, isReadOnly: true });
  careful.take(answer([one]), 0);
  for (const [key, act] of Object.entries({ b: 'block', u: 'unblock', a: 'allow' })) {
    expect(pressed(careful, 'home', key)).toBeUndefined();
    expect(careful.question).toBeUndefined();
    expect(lastLine(careful)).toBe(`cannot ${act}: this is --read-only`);
  }
});

test('the filter changes with each key, and all characters are its own', () => {
  const view = viewOf(answer([one]));
  for (const key of ['/', 'q', 'b', '1', ' ']) view.press(key);
  expect([view.filter, view.isFiltering]).toEqual(['qb1 ', true]);
  expect(lastLine(view)).toBe('filter: qb1 _');
  expect(view.press('backspace')).toBe('ask');
  expect(view.press('f5')).toBeUndefined();
  expect(view.press('return')).toBeUndefined();
  expect([view.filter, view.isFiltering]).toEqual(['qb1', false]);
  expect(draw(view, 80, 24)[0]?.text).toContain('sort rate, filter qb1 ');
  expect(pressed(view, '/', 'escape')).toBe('ask');
  expect([view.filter, view.isFiltering]).toEqual(['', false]);
  pressed(view, '/', 'x', 'y', '^u');
  expect(view.filter).toBe('');
  expect(view.press('^c')).toBe('quit');
});

test('sort, class, delay, pause, freeze and pages', () => {
  const view = viewOf(answer([one]));
  expect(pressed(view, 's')).toBe('ask');
  expect(view.order).toBe('count');
  for (const order of ['rate', 'count', 'left', 'address']) {
    expect(view.press(String(['rate', 'count', 'left', 'address'].indexOf(order) + 1))).toBe('ask');
    expect(view.order).toBe(order);
  }
  view.press('s');
  expect(view.order).toBe('rate');
  const classes = ['c', 'c', 'c'].map((key) => {
    view.press(key);
    return view.class;
  });
  expect(classes).toEqual(['ip', 'user', undefined]);
  pressed(view, '+', '+');
  expect(view.delaySeconds).toBe(5);
  pressed(view, '-', '-', '-', '-', '-');
  expect(view.delaySeconds).toBe(0.5);
  expect(view.press('p')).toBeUndefined();
  expect(view.isPaused).toBe(true);
  expect(view.press(' ')).toBe('ask');
  pressed(view, 'o', 'i', 'p');
  expect(draw(view, 80, 24)[0]?.text).toMatch(/sort rate inverted, order frozen, PAUSED *$/);
  expect(pressed(view, 'home', 'return')).toBe('ask');
  expect(view.page).toBe('details');
  expect(view.press('q')).toBeUndefined();
  expect(view.page).toBe('table');
  expect(view.press('y')).toEqual({ copy: '192.0.2.1' });
  expect(view.press('^l')).toBe('redraw');
  expect(view.press('^z')).toBe('stop');
  expect(view.press('q')).toBe('quit');
});

test('page keys move by what fits, and stop at both ends', () => {
  const values = Array.from({ length: 50 }, (_, index) => value(`10.0.0.${index}`));
  const view = viewOf(answer(values));
  draw(view, 80, 24);
  const selected = (...keys: string[]) => {
    pressed(view, ...keys);
    return view.selectedRow?.value.value;
  };
  expect(selected('end')).toBe('10.0.0.49');
  expect(selected('down')).toBe('10.0.0.49');
  expect(selected('pageup')).toBe('10.0.0.30');
  expect(selected('home', 'up')).toBe('10.0.0.0');
  expect(selected('pagedown')).toBe('10.0.0.19');
});

test('as many rows are asked for as can be seen next', () => {
  const values = Array.from({ length: 50 }, (_, index) => value(`10.0.0.${index}`));
  const view = viewOf(answer(values));
  draw(view, 80, 24);
  expect(view.wantedRows).toBe(38);
  pressed(view, 'pagedown');
  expect(view.wantedRows).toBe(56);
  pressed(view, 'end');
  expect(view.wantedRows).toBe(87);
  draw(view, 80, 60);
  expect(view.wantedRows).toBe(100);
  pressed(view, 'home', 'i');
  draw(view, 80, 24);
  expect(view.wantedRows).toBe(100);
});

test('the highest rate is remembered', () => {
  const view = viewOf(answer([], { rates: [{ seconds: 1, perSecond: 400 }] }));
  view.take(answer([]), 1000);
  expect(textOf(draw(view, 120, 24))).toContain('checks/s 31.0 ');
  expect(textOf(draw(view, 120, 24))).toContain('peak 400/s ');
});

describe('rows', () => {
  const shown = (rows: Rows) => {
    return rows.all.map(({ value: { value: text }, goneMs }) =>
      goneMs === undefined ? text : `(${text})`,
    );
  };

  test('what has gone stays where it was for six seconds', () => {
    const rows = new Rows();
    rows.take(answer([one, two, three]), 0, false);
    rows.take(answer([one, three]), 1000, false);
    expect(shown(rows)).toEqual(['192.0.2.1', '(192.0.2.2)', '192.0.2.3']);
    rows.take(answer([three, one]), 6999, false);
    expect(shown(rows)).toEqual(['192.0.2.3', '(192.0.2.2)', '192.0.2.1']);
    rows.take(answer([three, one]), 7000, false);
    expect(shown(rows)).toEqual(['192.0.2.3', '192.0.2.1']);
    rows.take(answer([three]), 7001, false);
    rows.take(answer([three, one]), 7002, false);
    expect(shown(rows)).toEqual(['192.0.2.3', '192.0.2.1']);
    rows.beginAnew();
    expect(shown(rows)).toEqual(['192.0.2.3', '192.0.2.1']);
    rows.take(answer([two]), 7003, false);
    expect(shown(rows)).toEqual(['192.0.2.2']);
  });

  test('what a full answer has no room for has not gone', () => {
    const rows = new Rows();
    const four = [one, two, three, bob];
    rows.take(answer(four), 0, false);
    rows.take(answer([two, three]), 1000, false, 2);
    expect(shown(rows)).toEqual(['(192.0.2.1)', '192.0.2.2', '192.0.2.3']);
    rows.take(answer([two, three]), 2000, false, 3);
    expect(shown(rows)).toEqual(['(192.0.2.1)', '192.0.2.2', '192.0.2.3']);
    rows.take(answer([two]), 3000, false, 3);
    expect(shown(rows)).toEqual(['(192.0.2.1)', '192.0.2.2', '(192.0.2.3)']);
  });

  test('frozen ones keep their places, and new ones come behind', () => {
    const rows = new Rows();
    rows.take(answer([one, two]), 0, true);
    rows.take(answer([three, two, one]), 1000, true);
    expect(shown(rows)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    rows.take(answer([three, one]), 2000, true);
    expect(shown(rows)).toEqual(['192.0.2.1', '(192.0.2.2)', '192.0.2.3']);
  });

  test('they remember what windows forget, for two minutes', () => {
    const rows = new Rows();
    const history = (tick: number, ...hits: (number | null)[]) => {
      rows.take(answer([value('192.0.2.1', { history: hits })], { tick }), tick, false);
      return rows.all[0]?.history.map((hit) => hit ?? '-').join(' ');
    };
    expect(history(5, null, 3, 4)).toBe('- - - - - - - - - - 3 4');
    expect(history(6, null, null, 2)).toBe('- - - - - - - - - 3 4 2');
    expect(history(6, null, 1, 20)).toBe('- - - - - - - - - 3 4 20');
    expect(history(16, null, null, 7)).toBe('4 20 - - - - - - - - - 7');
    expect(history(0, null, null, 1)).toBe('- - - - - - - - - - - 1');
  });
});
