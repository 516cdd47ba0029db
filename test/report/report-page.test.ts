/** The page says what is in the period, is no larger than promised, and keeps addresses for itself if asked. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Period } from '../../src/report/period.ts';
import { reportPage } from '../../src/report/report-page.ts';
import { hostile, somePeriod } from './some-period.ts';

const nowMs = Date.UTC(2026, 1, 20);
const options = { notes: [], isMasked: false, nowMs };
const longest = 2 * 1024 * 1024;

/** First cells of the table's rows. */
function firstCells(page: string, table: string): string[] {
  const [, rest = ''] = page.split(`<table aria-label="${table}">`);
  const [rows = ''] = rest.split('</table>');
  return [...rows.matchAll(/<tr><td>(.*?)<\/td>/g)].map(([, text = '']) => text);
}

test('nothing from outside is markup, and notes are text', () => {
  const page = reportPage(somePeriod(), { ...options, notes: [hostile] });
  expect(page).not.toContain('<img');
  expect(page.match(/<script>/g)).toHaveLength(1);
});

test('the policy allows the one script by its digest, and nothing to be loaded', () => {
  const page = reportPage(somePeriod(), options);
  const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page) ?? [];
  const digest = createHash('sha256').update(script).digest('base64');
  const [, policy] = /http-equiv="Content-Security-Policy" content="(.*?)"/.exec(page) ?? [];
  expect(policy?.replaceAll('&#39;', "'")).toBe(
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; ` +
      "base-uri 'none'; form-action 'none'",
  );
  expect(page.match(/<[^>]*\b(?:src|href)=|url\(|@import/g) ?? []).toEqual([]);
});

test('masked, no client can be told from its neighbours, and networks stay', () => {
  const page = reportPage(somePeriod(), { ...options, isMasked: true });
  expect(page).toContain('The last parts of addresses are left out.');
  for (const table of ['clients', 'blocks']) {
    const cells = firstCells(page, table);
    expect(cells.length).toBeGreaterThan(10);
    expect(cells.filter((text) => !/^(?:192\.0\.\d\.x|2001:db8:0:\d:x|x)$/.test(text))).toEqual([]);
  }
  expect(page.match(/192\.0\.\d+\.\d+\b(?!\/24)|2001:[\da-f:]+::[\da-f]+/g) ?? []).toEqual([]);
  expect(firstCells(page, 'networks')).toContain('192.0.1.0/24');
});

test('who was refused most comes first, then who came most', () => {
  const period = new Period();
  const connect = (client: string, times: number, isRefused: boolean) => {
    for (let index = 0; index < times; index += 1)
      period.connection(nowMs, 'ip', client, isRefused);
  };
  connect('192.0.2.1', 9, false);
  connect('192.0.2.2', 1, true);
  connect('192.0.2.3', 2, true);
  connect('192.0.2.4', 20, false);
  const page = reportPage(period, options);
  const order = ['192.0.2.3', '192.0.2.2', '192.0.2.4', '192.0.2.1'];
  expect(firstCells(page, 'clients')).toEqual(order);
  expect(page).toContain('All 4, those with the most refusals and blocks first.');
});

test('a period without anything is said to be one', () => {
  const page = reportPage(new Period(), options);
  expect(page).toContain('Nothing happened in this time.');
  expect(page).not.toMatch(/Infinity|NaN|<svg|<table/);
});

test('a period with blocks only tells of them', () => {
  const period = new Period();
  period.block({ atMs: nowMs, value: '192.0.2.1', class: '', seconds: 600, offence: 1 });
  const page = reportPage(period, options);
  expect(firstCells(page, 'blocks')).toEqual(['192.0.2.1']);
  expect(page).toContain('By blocks.');
  expect(page).not.toMatch(/Infinity|NaN/);
});

test('however much there was, the page is small, and says how far it may be wrong', () => {
  const period = new Period();
  for (let index = 0; index < 210_000; index += 1) {
    period.connection(nowMs + index * 250_000, 'ip', index << 8, index % 5 === 0);
  }
  for (let index = 0; index < 6000; index += 1) {
    const value = `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${index.toString(16)}`;
    const blocked = { seconds: index * 1000, offence: index % 20 };
    period.block({ atMs: nowMs + index, value, class: 'a'.repeat(32), ...blocked });
  }
  const long = '"'.repeat(300);
  for (let index = 0; index < 3000; index += 1) {
    const [value, name] = [`${index}${long}`, long];
    period.connection(nowMs, name, value, true);
    period.block({ atMs: nowMs + 1e12, value, class: name, seconds: 1, offence: 1 });
  }
  const page = reportPage(period, { ...options, notes: ['x'.repeat(1000)] });
  expect(page.length).toBeLessThan(longest);
  expect(page).toContain('The 500 with the most refusals and blocks');
  expect(page).toContain('There were too many to count each: figures may be too small by 1, ');
  expect(firstCells(page, 'clients').length).toBeLessThanOrEqual(1000);
  expect(firstCells(page, 'networks').length).toBeLessThanOrEqual(1000);
  expect(firstCells(page, 'blocks')).toHaveLength(1000);
  expect(firstCells(page, 'times').length).toBeLessThanOrEqual(400);
});
