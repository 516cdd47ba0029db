/** Imports point inwards only, and each layer keeps to its own. */
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type SourceFile, sourceFiles } from './source-files.ts';

const files = sourceFiles('src', '.ts');

type Import = { readonly from: string; readonly to: string; readonly isType: boolean };

/** Every import and re-export of a file; ours as a path in src/, others as they are written. */
function importsOf({ path, text }: SourceFile): Import[] {
  const written =
    /(?:^|\n)(?:import|export)\b(?! (?:const|function|class|async|interface)\b)([^;'"]*?)\bfrom '([^']+)'/g;
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, to = '']) => ({
    names: '',
    to,
  }));
  const bare = [...text.matchAll(/(?:^|\n)import '([^']+)'/g)].map(([, to = '']) => ({
    names: '',
    to,
  }));
  const named = [...text.matchAll(written)].map(([, names = '', to = '']) => ({ names, to }));
  return [...named, ...dynamic, ...bare].map(({ names, to }) => ({
    from: path,
    to: to.startsWith('.') ? join(dirname(path), to) : to,
    isType: isTypeOnly(names),
  }));
}

/** `type { A }`, or `{ type A, type B }`. */
function isTypeOnly(names: string): boolean {
  if (/^\s*type\s/.test(names)) return true;
  const [, inner] = /^\s*\{([^}]*)\}\s*$/.exec(names) ?? [];
  const list =
    inner
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean) ?? [];
  return list.length > 0 && list.every((name) => name.startsWith('type '));
}

const imports = files.flatMap(importsOf);

/** The folder in src/, or the file's own name there. */
function layerOf(path: string): string {
  const [, first = '', rest] = path.split('/');
  return rest === undefined ? first.replace(/\.ts$/, '') : first;
}

/**
 * What each layer may import, outside in. `types` it may only know by type, because others hand it
 * the things themselves; a `file` is the one exception in its layer.
 */
const rules: Readonly<Record<string, { readonly may: string; readonly types?: string }>> = {
  core: { may: '' },
  errors: { may: '' },
  clock: { may: '' },
  slice: { may: '' },
  log: { may: '' },
  wire: { may: 'log' },
  planted: { may: 'errors' },
  'change-mode': { may: '' },
  'read-file': { may: '' },
  store: { may: 'core errors planted' },
  counters: { may: 'core' },
  'file-identity': { may: '' },
  'watch-files': { may: '' },
  enforcers: {
    may: 'change-mode core errors file-identity planted read-file slice watch-files',
    types: 'store log config degradations',
  },
  config: { may: 'core errors' },
  degradations: { may: '', types: 'clock' },
  'life-sign': { may: 'errors', types: 'clock' },
  'rare-log': { may: '', types: 'degradations log' },
  troubles: { may: 'errors', types: 'degradations log' },
  'clock-steps': { may: '', types: 'clock' },
  blocks: { may: 'core errors', types: 'enforcers log store troubles' },
  'block-keeper': {
    may: 'blocks clock-steps core errors rare-log slice troubles',
    types: 'clock config degradations log store enforcers',
  },
  allowlist: { may: 'core', types: 'clock store' },
  'dry-runs': { may: '', types: 'clock rare-log store' },
  sessions: { may: '', types: 'counters' },
  overload: { may: 'errors', types: 'config' },
  'class-table': { may: 'core', types: 'config counters' },
  verdicts: {
    may: 'core',
    types:
      'allowlist block-keeper class-table clock config counters dry-runs log sessions store wire',
  },
  pardon: { may: 'errors', types: 'allowlist block-keeper blocks degradations store' },
  gatekeeper: {
    may: 'core errors wire allowlist block-keeper class-table dry-runs pardon rare-log sessions verdicts',
    types: 'blocks clock log store enforcers counters config degradations',
  },
  program: { may: 'errors log' },
  commands: {
    may: 'core degradations errors life-sign log slice',
    types: 'allowlist clock config gatekeeper store enforcers',
  },
  doctor: {
    may: 'core degradations errors life-sign log enforcers planted read-file store',
    types: 'clock commands config',
  },
  client: { may: 'clock errors log wire' },
};

/** Those that join everything; nobody joins them. */
const outermost = ['cli', 'daemon'];

function words(text: string | undefined): string[] {
  return text?.split(' ').filter(Boolean) ?? [];
}

function show({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

const ours = imports.filter(({ to }) => to.startsWith('src/'));

test('imports are found at all', () => {
  expect(ours.length).toBeGreaterThan(100);
  expect(imports.filter(({ isType }) => isType).length).toBeGreaterThan(50);
});

test('every layer has a rule', () => {
  const layers = new Set(files.map(({ path }) => layerOf(path)));
  const known = [...Object.keys(rules), ...outermost];
  expect([...layers].filter((layer) => !known.includes(layer))).toEqual([]);
});

describe.each(Object.entries(rules))('%s', (layer, { may, types }) => {
  test(`imports ${may || 'nothing of ours'}${types ? `, and types of ${types}` : ''}`, () => {
    const values = [layer, ...words(may)];
    const wrong = ours.filter(({ from, to, isType }) => {
      const allowed = isType ? [...values, ...words(types)] : values;
      return layerOf(from) === layer && !allowed.includes(layerOf(to));
    });
    expect(wrong.map(show)).toEqual([]);
  });
});

test('nobody imports the daemon or the command line but themselves', () => {
  const wrong = ours.filter(({ from, to }) => {
    return outermost.includes(layerOf(to)) && layerOf(from) !== layerOf(to);
  });
  expect(wrong.map(show)).toEqual([]);
});

test('core is pure: no node: module, no clock, no chance, no environment', () => {
  const core = files.filter(({ path }) => path.startsWith('src/core/'));
  const modules = imports.filter(
    ({ from, to }) => layerOf(from) === 'core' && !to.startsWith('src/'),
  );
  expect([...new Set(modules.map(({ to }) => to))]).toEqual(['ipaddr.js']);
  const impure =
    /\b(?:Date\.now|new Date\(\)|performance|Math\.random|process|setTimeout|setInterval|Buffer)\b/;
  expect(core.filter(({ text }) => impure.test(text)).map(({ path }) => path)).toEqual([]);
});

test('the wire knows bytes and no sockets', () => {
  const modules = imports.filter(
    ({ from, to }) => layerOf(from) === 'wire' && to.startsWith('node:'),
  );
  expect([...new Set(modules.map(({ to }) => to))]).toEqual(['node:buffer']);
});

test('only the SQLite store and the lock of the daemon know the database’s driver', () => {
  const users = imports.filter(({ to }) => to === 'better-sqlite3').map(({ from }) => from);
  expect(users.sort()).toEqual([
    'src/daemon/instance-lock.ts',
    'src/store/open-database.ts',
    'src/store/sqlite-store.ts',
  ]);
});

test('only src/cli prints to stdout', () => {
  const printing = files.filter(({ text }) => /process\.stdout|\bconsole\./.test(text));
  expect(printing.map(({ path }) => path).filter((path) => !path.startsWith('src/cli/'))).toEqual(
    [],
  );
});

test('only clock.ts and the timers tell the time', () => {
  const tellers = files.filter(({ text }) => /\bDate\.now\b|\bperformance\.now\b/.test(text));
  expect(tellers.map(({ path }) => path)).toEqual([
    'src/clock.ts',
    'src/enforcers/timers.ts',
    'src/enforcers/work.ts',
  ]);
});

test('no file imports itself through others', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, isType } of ours)
    if (!isType) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (trail.includes(path) || done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});
