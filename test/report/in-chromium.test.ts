/**
 * The page in a real browser: it complains of nothing, asks for nothing, is legible light, dark, on paper
 * and without its script, and its tables can be filtered and sorted. With REPORT_PICTURES=DIRECTORY
 * in the environment the pictures are kept there, to be looked at.
 *
 * Tests: src/report/page-script.ts, src/report/page-style.ts, src/report/charts.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportPage } from '../../src/report/report-page.ts';
import { debianPackages } from '../run/debian-packages.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { unless } from '../run/unless.ts';
import { Chromium, chromiumPackage } from './chromium.ts';
import { hostile, somePeriod } from './some-period.ts';

const packages = debianPackages(chromiumPackage);
const page = reportPage(somePeriod(), {
  notes: ['Replayed from a test.', hostile],
  isMasked: false,
  nowMs: Date.UTC(2026, 1, 20),
});
const clients = 'table[aria-label=clients]';

describe('in Chromium', unless(packages.reason), () => {
  let browser: Chromium;

  beforeAll(() => {
    browser = new Chromium(packages);
  });

  afterAll(() => browser?.close());

  /** Shows the page anew, in a tab of its own, with the features of media that a reader has. */
  async function read(
    media: { readonly media?: string; readonly scheme?: 'light' | 'dark' } = {},
    hasScript = true,
  ): Promise<string> {
    const path = join(temporaryDirectory(), 'report.html');
    writeFileSync(path, page);
    await browser.openPage();
    const features = [{ name: 'prefers-color-scheme', value: media.scheme ?? 'light' }];
    await browser.send('Emulation.setEmulatedMedia', { media: media.media ?? '', features });
    await browser.send('Emulation.setScriptExecutionDisabled', { value: !hasScript });
    const size = { width: 1100, height: 900, deviceScaleFactor: 1, mobile: false };
    await browser.send('Emulation.setDeviceMetricsOverride', size);
    [browser.requests.length, browser.complaints.length] = [0, 0];
    await browser.show(path);
    return path;
  }

  async function keepPicture(name: string): Promise<void> {
    const directory = process.env.REPORT_PICTURES;
    if (directory === undefined) return;
    const clip = { x: 0, y: 0, width: 1100, height: 2600, scale: 1 };
    const { data } = await browser.send('Page.captureScreenshot', {
      clip,
      captureBeyondViewport: true,
    });
    writeFileSync(join(directory, `${name}.png`), Buffer.from(String(data), 'base64'));
  }

  /** Red, green and blue of what an element of the page has in its style. */
  async function colour(element: string, property: string): Promise<number[]> {
    const style = `getComputedStyle(document.querySelector('${element}')).${property}`;
    return [...String(await browser.value(style)).matchAll(/[\d.]+/g)].slice(0, 3).map(Number);
  }

  /** Relative luminance by WCAG. */
  function luminance(parts: readonly number[]): number {
    const [red = 0, green = 0, blue = 0] = parts.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  async function contrast(element: string, property: string): Promise<number> {
    const paper = luminance(await colour('body', 'backgroundColor'));
    const ink = luminance(await colour(element, property));
    return (Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05);
  }

  /** First cells of the rows that are shown. */
  async function firstCells(table = clients): Promise<string[]> {
    const rows = `[...document.querySelectorAll('${table} tbody tr')]`;
    const cells = `${rows}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent)`;
    return (await browser.value(cells)) as string[];
  }

  /** Numbers of a column, from 0. */
  async function numbers(column: number): Promise<number[]> {
    const cells = `document.querySelectorAll('${clients} tbody tr td:nth-child(${column + 1})')`;
    return (await browser.value(`[...${cells}].map((cell) => Number(cell.dataset.v))`)) as number[];
  }

  function click(column: number): Promise<unknown> {
    return browser.value(`document.querySelectorAll('${clients} th button')[${column}].click()`);
  }

  function filter(text: string): Promise<unknown> {
    const field = `document.querySelector('input[aria-label="Filter clients"]')`;
    const event = `dispatchEvent(new Event('input'))`;
    return browser.value(`${field}.value = ${JSON.stringify(text)}; ${field}.${event}`);
  }

  test('it asks for nothing but itself, and nothing is complained of', async () => {
    const path = await read();
    await filter('2001:db8');
    await click(2);
    expect(browser.requests).toEqual([`file://${path}`]);
    expect(browser.complaints).toEqual([]);
    expect(await browser.value('document.title')).toBe('Connections and blocks');
    expect(await browser.value('document.querySelectorAll("img, script").length')).toBe(1);
  });

  test('names of clients and classes are told as they are', async () => {
    await read();
    expect(await firstCells()).toContain(hostile);
    expect(await firstCells('table[aria-label=blocks]')).toContain(hostile);
  });

  test('an injected script would not run', async () => {
    await read();
    const insert = `const added = document.createElement('script');
      added.textContent = 'document.title = "taken"'; document.body.append(added); document.title`;
    expect(await browser.value(insert)).toBe('Connections and blocks');
    expect(browser.complaints.join()).toContain('Content Security Policy');
  });

  test.each([
    ['light', '', 'light'],
    ['dark', '', 'dark'],
    ['print', 'print', 'dark'],
  ] as const)('it is legible in %s', async (name, media, scheme) => {
    await read({ media, scheme });
    await keepPicture(name);
    const paper = luminance(await colour('body', 'backgroundColor'));
    if (name === 'dark') expect(paper).toBeLessThan(0.1);
    else expect(paper).toBe(1);
    const marks = ['calm', 'alarm', 'mark'];
    for (const mark of marks) expect(await contrast(`svg .${mark}`, 'fill')).toBeGreaterThan(3);
    expect(await contrast('td', 'color')).toBeGreaterThan(7);
    expect(await contrast('p.dim', 'color')).toBeGreaterThan(4.5);
    expect(await contrast('svg text', 'fill')).toBeGreaterThan(7);
  });

  test.each([
    ['a narrow window', 360, ''],
    ['a wide window', 1100, ''],
    ['a sheet of A4 with margins', 717, 'print'],
  ])('nothing sticks out of %s', async (_, width, media) => {
    await read({ media });
    const size = { width, height: 900, deviceScaleFactor: 1, mobile: false };
    await browser.send('Emulation.setDeviceMetricsOverride', size);
    expect(await browser.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  test('it can be printed', async () => {
    await read();
    const { data } = await browser.send('Page.printToPDF', {
      paperWidth: 8.27,
      paperHeight: 11.69,
    });
    const pdf = Buffer.from(String(data), 'base64');
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    const directory = process.env.REPORT_PICTURES;
    if (directory !== undefined) writeFileSync(join(directory, 'paper.pdf'), pdf);
  });

  test('a table is filtered by what any of its cells says, in any case', async () => {
    await read();
    const all = await firstCells();
    await filter('2001:DB8:0:2');
    const shown = await firstCells();
    expect(shown).toEqual(all.filter((text) => text.startsWith('2001:db8:0:2')));
    expect(shown.length).toBeGreaterThan(3);
    await filter('');
    expect(await firstCells()).toEqual(all);
  });

  test('a table is sorted by a column, the most first, then the other way round', async () => {
    await read();
    const before = await numbers(2);
    const rising = before.toSorted((a, b) => a - b);
    expect(before).not.toEqual(rising.toReversed());
    await click(2);
    expect(await numbers(2)).toEqual(rising.toReversed());
    await click(2);
    expect(await numbers(2)).toEqual(rising);
    await click(0);
    const names = await firstCells();
    expect(names.indexOf('192.0.2.2')).toBeLessThan(names.indexOf('192.0.2.16'));
    const sorted = `document.querySelector('${clients} [aria-sort]')`;
    expect(await browser.value(`${sorted}.textContent + ' ' + ${sorted}.ariaSort`)).toBe(
      'Client ascending',
    );
  });

  test('without its script it tells all the same, and has no dead controls', async () => {
    await read();
    const told = 'document.body.innerText.replace(/^Filter.*/gm, "")';
    const withScript = await browser.value(told);
    await read({}, false);
    await keepPicture('without script');
    expect(await browser.value('document.querySelectorAll("input, button").length')).toBe(0);
    expect(await browser.value(told)).toBe(withScript);
  });
});
