/** README, samples and package.json: what they point to exists, and what they show is up to date. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './manual-page.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('the README is shorter than 120 lines', () => {
  expect(readme.trimEnd().split('\n').length).toBeLessThan(120);
});

test('the last step of its installation proves a block', () => {
  const [, installation = ''] = /## Installation\n(.*?)\n## /s.exec(readme) ?? [];
  expect(installation.trimEnd().split('\n').at(-1)).toContain('`ipthrottle doctor --probe`');
});

test('its links lead somewhere', () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  const local = links.filter((link) => !link.startsWith('http'));
  expect(local.length).toBeGreaterThan(6);
  expect(local.filter((link) => !existsSync(join(root, link)))).toEqual([]);
});

test('the files it names exist', () => {
  const paths = [...readme.matchAll(/`((?:bin|etc|man|peers|src|test)\/[^`*]*)`/g)];
  const named = paths.map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the npm commands it names exist', () => {
  const scripts = [...readme.matchAll(/npm (?:run )?(test|(?<=run )[\w:]+)/g)].map(
    ([, name]) => name,
  );
  expect(scripts).toContain('demo');
  expect(scripts.filter((name) => !(`${name}` in manifest.scripts))).toEqual([]);
});

test.each(['etc/runit/smtpd-tcpsvd/run', 'etc/daemontools/smtpd-tcpserver/run'])(
  'it shows %s as it is, without the comments',
  (path) => {
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    const code = lines.filter((line) => !/^# /.test(line)).join('\n');
    expect(readme).toContain(`\`\`\`sh\n${code}\`\`\``);
  },
);

test('its table has every dependency and no other', () => {
  const packages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
    .filter((name) => !name.startsWith('@types/'))
    .map((name) => name.replace('@biomejs/', ''));
  const table = readme.slice(readme.indexOf('| package |'), readme.indexOf('\nWritten by hand'));
  const rows = table.split('\n').slice(2).filter(Boolean);
  const named = rows.flatMap((row) => row.split('|')[1]?.trim().split(', ') ?? []);
  expect(named.map((name) => name.split(' ')[0]).sort()).toEqual(packages.sort());
  const pinned = manifest.dependencies['better-sqlite3'];
  expect(table).toContain(`better-sqlite3 ${pinned}`);
});

test('what package.json installs exists', () => {
  const files = [...manifest.man, ...Object.values<string>(manifest.bin)];
  expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the changelog has the version of package.json', () => {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  expect(changelog).toContain(`## [${manifest.version}]`);
});
