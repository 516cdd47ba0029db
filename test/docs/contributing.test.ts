/** CONTRIBUTING.md: the files it sends a newcomer to exist, and its picture has every room. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './manual-page.ts';
import { sourceFiles } from './source-files.ts';

const guide = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

test('CONTRIBUTING.md is one page', () => {
  expect(guide.split('\n').length).toBeLessThan(110);
});

test('every path and file it names exists', () => {
  const paths = guide.match(/\b(?:bin|etc|man|src|test)\/[\w./-]*[\w/]/g) ?? [];
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);

  const sources = sourceFiles('src', '.ts').map(({ path }) => basename(path));
  const names = [...guide.matchAll(/`([\w-]+\.ts)`/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !sources.includes(name))).toEqual([]);
});

test('the npm commands it names exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = [...guide.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('its picture has every room of src', () => {
  const [, picture = ''] = guide.split('```');
  const drawn = [...picture.matchAll(/(?:^ | {2})([a-z]+) {2}/gm)].map(([, name]) => name);
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(drawn.sort()).toEqual(rooms.sort());
});
