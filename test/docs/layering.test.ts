/** Imports point only downwards, and each room keeps to its own subject. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './manual-page.ts';
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

/** The top-level folder of src/ that a file lives in. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/**
 * The rooms floor by floor, from the ground up, each with the rooms below it that it may import.
 * Nobody imports upwards or within a floor; rater and ipthrottle, the programs, are on top.
 */
const floors: readonly Readonly<Record<string, string>>[] = [
  { core: '', runtime: '' },
  {
    files: 'runtime',
    wire: 'runtime',
    config: 'core runtime',
    counters: 'core runtime',
    health: 'runtime',
    logs: 'core runtime',
  },
  {
    client: 'runtime wire',
    store: 'core files runtime',
    enforcers: 'config core files health runtime',
    overload: 'config health runtime',
  },
  { history: 'core health runtime store' },
  {
    blocks: 'core enforcers health history runtime store',
    doctor: 'config core enforcers files health runtime store',
  },
  { gatekeeper: 'blocks config core counters enforcers health history runtime store wire' },
  {
    commands: 'blocks config core enforcers gatekeeper health runtime',
    replay: 'config core counters enforcers gatekeeper health logs runtime store wire',
  },
  { report: 'commands core' },
  {
    daemon:
      'commands config counters enforcers files gatekeeper health history overload runtime store wire',
    cli: 'commands config core counters doctor enforcers files gatekeeper health logs overload replay report runtime store',
  },
];
const rooms: Readonly<Record<string, string>> = Object.assign({}, ...floors);

function words(text: string): string[] {
  return text.split(' ').filter(Boolean);
}

function show({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

const ours = imports.filter(({ to }) => to.startsWith('src/'));

test('imports are found at all', () => {
  expect(ours.length).toBeGreaterThan(100);
  expect(imports.filter(({ isType }) => isType).length).toBeGreaterThan(50);
});

test('every source is in a room of the table, and none lies loose in src', () => {
  expect([...new Set(files.map(({ path }) => roomOf(path)))].sort()).toEqual(
    Object.keys(rooms).sort(),
  );
});

test('a room may import only rooms on floors below its own', () => {
  const wrong = floors.flatMap((floor, level) => {
    const below = floors.slice(0, level).flatMap((each) => Object.keys(each));
    return Object.entries(floor).flatMap(([room, may]) => {
      return words(may).flatMap((other) => (below.includes(other) ? [] : [`${room} -> ${other}`]));
    });
  });
  expect(wrong).toEqual([]);
});

test('every arrow of the table is needed', () => {
  const drawn = new Set(ours.map(({ from, to }) => `${roomOf(from)} -> ${roomOf(to)}`));
  const allowed = Object.entries(rooms).flatMap(([room, may]) => {
    return words(may).map((other) => `${room} -> ${other}`);
  });
  expect(allowed.filter((arrow) => !drawn.has(arrow))).toEqual([]);
});

test('no file lies loose in src or test', () => {
  const loose = ['src', 'test'].flatMap((folder) => {
    return readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}`);
  });
  expect(loose).toEqual(['src/build.sh']);
});

describe.each(Object.entries(rooms))('%s', (room, may) => {
  test(`imports ${may || 'nothing of ours'}`, () => {
    const allowed = [room, ...words(may)];
    const wrong = ours.filter(({ from, to }) => {
      return roomOf(from) === room && !allowed.includes(roomOf(to));
    });
    expect(wrong.map(show)).toEqual([]);
  });
});

test('core is pure: no node: module, clock, randomness or environment', () => {
  const core = files.filter(({ path }) => path.startsWith('src/core/'));
  const modules = imports.filter(
    ({ from, to }) => roomOf(from) === 'core' && !to.startsWith('src/'),
  );
  expect([...new Set(modules.map(({ to }) => to))]).toEqual(['ipaddr.js']);
  const impure =
    /\b(?:Date\.now|new Date\(\)|performance|Math\.random|process|setTimeout|setInterval|Buffer)\b/;
  expect(core.filter(({ text }) => impure.test(text)).map(({ path }) => path)).toEqual([]);
});

test('the wire knows bytes, not sockets', () => {
  const modules = imports.filter(
    ({ from, to }) => roomOf(from) === 'wire' && to.startsWith('node:'),
  );
  expect([...new Set(modules.map(({ to }) => to))]).toEqual(['node:buffer']);
});

test('only the store knows the database’s driver', () => {
  const users = imports.filter(({ to }) => to === 'better-sqlite3').map(({ from }) => from);
  expect(users.sort()).toEqual([
    'src/store/driver.ts',
    'src/store/event-tables.ts',
    'src/store/instance-lock.ts',
    'src/store/open-database.ts',
    'src/store/sqlite-store.ts',
  ]);
});

test('only what a command or a format needs is loaded late: meanwhile the package may be replaced', () => {
  const late = files
    .filter(({ text }) => /\bimport\((?!'node:)/.test(text))
    .map(({ path }) => path);
  expect(late).toEqual([
    'src/cli/ask-or-run-offline.ts',
    'src/cli/doctor.ts',
    'src/cli/replay.ts',
    'src/cli/report.ts',
    'src/cli/top.ts',
    'src/daemon/daemon-log.ts',
    'src/enforcers/peers/peers-kind.ts',
    'src/enforcers/tcprules/tcprules-kind.ts',
  ]);
});

test('only src/cli prints to stdout', () => {
  const printing = files.filter(({ text }) => /process\.stdout|\bconsole\./.test(text));
  expect(printing.map(({ path }) => path).filter((path) => !path.startsWith('src/cli/'))).toEqual(
    [],
  );
});

test('only clock.ts, the timers and work read the time', () => {
  const tellers = files.filter(({ text }) => /\bDate\.now\b|\bperformance\.now\b/.test(text));
  expect(tellers.map(({ path }) => path)).toEqual([
    'src/runtime/clock.ts',
    'src/runtime/timers.ts',
    'src/runtime/work.ts',
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
