/**
 * This version reads what version 0.1.0 left, and leaves it as it was: a database and a peers
 * directory, after a stop and after a kill. test/fixtures/version-0.1.0/README.md says how they
 * were made. The date is set to an hour later, because their blocks end after a year.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { preventGc } from '../../src/store/prevent-gc.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { unless } from '../run/unless.ts';
import { column, rawDatabase } from '../store/raw-database.ts';
import { fakeDate, noFakeDate, setDate } from './fake-date.ts';
import { type Listed, Site } from './site.ts';

/** Of files.json. Instants are in seconds; what has no text stands beside it as a file. */
type LeftFile = {
  readonly path: string;
  readonly mode: string;
  readonly atime: number;
  readonly mtime: number;
  readonly text?: string;
};

const fixtures = fileURLToPath(new URL('../fixtures/version-0.1.0', import.meta.url));
const hourMs = 3_600_000;

let site: Site;
let left: readonly LeftFile[];
/** What the old ipthrottle said, by command. */
let said: Record<string, unknown>;

afterEach(() => site.stop());

/** Lays out what was left, an hour later. */
function unpack(name: string): void {
  site = new Site({ environment: fakeDate });
  const kept = (file: string) => join(fixtures, name, file);
  left = JSON.parse(readFileSync(kept('files.json'), 'utf8'));
  for (const { path, mode, atime, mtime, text } of left) {
    writeFileSync(site.path(path), text ?? readFileSync(kept(path)));
    chmodSync(site.path(path), Number.parseInt(mode, 8));
    utimesSync(site.path(path), atime, mtime);
  }
  said = JSON.parse(readFileSync(kept('said.json'), 'utf8'));
  const leftMs = lstatSync(site.path('blocks.db.life')).mtimeMs;
  setDate(site, Math.round((leftMs + hourMs - Date.now()) / 1000));
}

/** Everything in the peers directory that a server or an administrator could notice. */
function entries() {
  return readdirSync(site.path('peers')).map((name) => {
    const { ino, uid, mode, size, atimeMs, mtimeMs } = lstatSync(site.path('peers', name));
    return { name, ino, uid, mode, size, atimeMs, mtimeMs };
  });
}

/** What the peers directory's files say. Not even their owner may read silent ones as they are. */
function texts(): [path: string, text: string][] {
  return site.peers().map((name) => {
    chmodSync(site.path('peers', name), 0o600);
    return [`peers/${name}`, readFileSync(site.path('peers', name), 'utf8')];
  });
}

function textsLeft(): [path: string, text: string | undefined][] {
  const inPeers = left.filter(({ path }) => path.startsWith('peers/'));
  return inPeers.map(({ path, text }) => [path, text]);
}

/** Everything in the database that version 0.1.0 knew, read from a copy. */
function contents(directory: string) {
  const copy = temporaryDirectory();
  for (const name of ['blocks.db', 'blocks.db-wal']) {
    if (existsSync(join(directory, name))) copyFileSync(join(directory, name), join(copy, name));
  }
  const database = rawDatabase(join(copy, 'blocks.db'));
  try {
    const rows = (table: string) => preventGc(database.prepare(`SELECT * FROM ${table}`)).all();
    return {
      schema: column(
        database,
        `SELECT sql FROM sqlite_master WHERE tbl_name NOT IN ('events', 'hours') ORDER BY name`,
      ),
      rows: ['blocks', 'offences', 'allowances'].map(rows),
    };
  } finally {
    database.close();
  }
}

/** An answer without what depends on when it is asked, and whether by a rater that counts. */
function timeless(text: string): unknown {
  return JSON.parse(text.replaceAll(site.directory, 'SITE'), (key, value) => {
    if (['secondsLeft', 'counts', 'sessions'].includes(key)) return undefined;
    if (value?.source === 'configuration') return { ...value, since: undefined };
    if (key === 'away') return { since: value.since, ended: value.ended };
    return value;
  });
}

async function saidNow(): Promise<Record<string, unknown>> {
  const answers: [string, unknown][] = [];
  for (const command of Object.keys(said)) {
    const { stdout } = await site.ipthrottle(...command.split(' '), '--json');
    answers.push([command, timeless(stdout)]);
  }
  return Object.fromEntries(answers);
}

describe.each(['stopped', 'killed'])('what a %s rater left', unless(noFakeDate), (name) => {
  test('means to ipthrottle without rater what it meant to the old one', async () => {
    unpack(name);
    const before = entries();
    expect(await saidNow()).toMatchObject(timeless(JSON.stringify(said)) as object);
    expect(entries()).toEqual(before);
    expect(texts()).toEqual(textsLeft());
    expect(contents(site.directory)).toEqual(contents(join(fixtures, name)));
  });

  test('is in force when rater has started, and stays as it was', async () => {
    unpack(name);
    const before = entries();
    const rater = await site.startRater();
    const { status, ...rest } = await saidNow();
    const { status: statusBefore, ...restBefore } = timeless(JSON.stringify(said)) as typeof said;
    // Later versions tell more.
    expect(rest).toMatchObject(restBefore);
    const { blocks, away, troubles } = statusBefore as Record<string, unknown>;
    expect(status).toMatchObject({ running: true, blocks, away, troubles });
    expect(rater.said).toMatch(/^rater: (info|warn): was away: seconds=3[56]\d\d /m);
    await rater.killedBy('SIGTERM');
    expect(rater.said).not.toMatch(/^rater: (warn|error): (?!was away)/m);

    expect(entries()).toEqual(before);
    expect(texts()).toEqual(textsLeft());
    expect(contents(site.directory)).toEqual(contents(join(fixtures, name)));
    const rules = readFileSync(site.path('rules.cdb'));
    expect(rules.equals(readFileSync(join(fixtures, name, 'rules.cdb')))).toBe(true);
  });

  test('makes its blocks again from the peers directory when the database is lost', async () => {
    unpack(name);
    for (const end of ['', '-wal']) rmSync(site.path(`blocks.db${end}`), { force: true });
    const before = entries();
    const rater = await site.startRater();
    const all = timeless(JSON.stringify(said.list)) as Listed[];
    const withFile = all.filter(({ address }) => !address.includes(':'));
    expect(withFile).toHaveLength(3);
    // The reason is in the database only.
    const expected = withFile.map((block) => ({ ...block, reason: '' }));
    expect(timeless((await site.ipthrottle('list', '--json')).stdout)).toMatchObject(expected);
    await rater.killedBy('SIGTERM');
    expect(entries()).toEqual(before);
    expect(texts()).toEqual(textsLeft());
  });
});
