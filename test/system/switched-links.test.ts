/**
 * Files of rater behind a link that is made to lead elsewhere, or in a directory whose place another
 * one takes, of which the system reports nothing: the new ones are used within seconds, and followed.
 */
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { ask } from './line-client.ts';
import { type RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

let site: Site;

afterEach(() => site.stop());

/** Has `current`, by which all paths go, be the directory `name`. */
type Switch = (name: string) => void;

const ways: readonly { readonly way: string; readonly turn: Switch }[] = [
  {
    way: 'a link leads elsewhere',
    turn(name) {
      symlinkSync(name, site.path('new'));
      renameSync(site.path('new'), site.path('current'));
    },
  },
  {
    way: 'another directory takes the place',
    turn(name) {
      renameSync(site.path(name), site.path('coming'));
      if (readdirSync(site.directory).includes('current')) {
        renameSync(site.path('current'), site.path(`${name}-before`));
      }
      renameSync(site.path('coming'), site.path('current'));
    },
  },
];

async function limitSays(limit: number): Promise<void> {
  await until(`a limit of ${limit}`, async () => {
    const reply = await ask({ path: site.path('rater.sock') }, ['ip 192.0.2.77\n']);
    return reply.includes(`/${limit}`);
  });
}

function configuration(limit: number): string {
  return `settings : { socket: "../rater.sock"; db_path: "../blocks.db"; };
    limits : {
@include "limits.conf"
      user: ( ("*", 60, ${limit}) ); };`;
}

function limits(limit: number): string {
  return `ip: ( ("*", 3600, ${limit}) );\n`;
}

describe.each(ways)('when $way', ({ turn }) => {
  function makeVersions(files: Readonly<Record<string, (version: number) => string>>): void {
    for (const version of [1, 2]) {
      mkdirSync(site.path(`v${version}`));
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(site.path(`v${version}`, name), text(version));
      }
    }
    turn('v1');
  }

  async function startRater(): Promise<RunningProgram> {
    const rater = site.spawnRater();
    await rater.says(/all in force/);
    return rater;
  }

  test('the new configuration is used and followed, with what it includes', async () => {
    site = new Site();
    makeVersions({
      'rater.conf': (version) => configuration(version * 100),
      'limits.conf': (version) => limits(version * 100),
    });
    site.configure('@include "current/rater.conf"\n');
    const rater = await startRater();
    await limitSays(100);
    turn('v2');
    await limitSays(200);
    writeFileSync(site.path('current', 'limits.conf'), limits(300));
    await limitSays(300);
    writeFileSync(site.path('current', 'limits.conf'), 'nonsense');
    await rater.says(/not reloaded/);
    const told = rater.said.match(/not reloaded/g)?.length;
    writeFileSync(site.path('current', 'limits.conf'), limits(400));
    await limitSays(400);
    expect(rater.said.match(/not reloaded/g)?.length).toBe(told);
    expect(rater.said).not.toMatch(/bug/);
  });

  test('the new rules are compiled and followed', unless(missing('tcprulescheck')), async () => {
    site = new Site({ blocking: 'tcprules: { source: "current/rules"; cdb: "rules.cdb"; };' });
    makeVersions({ rules: (version) => `192.0.2.${version}:deny\n:allow\n` });
    await startRater();
    expect(await site.isDeniedByCdb('192.0.2.1')).toBe(true);
    turn('v2');
    await until('the new rules', () => site.isDeniedByCdb('192.0.2.2'), 20_000);
    expect(await site.isDeniedByCdb('192.0.2.1')).toBe(false);
    writeFileSync(site.path('current', 'rules'), '192.0.2.3:deny\n:allow\n');
    await until('what is saved there', () => site.isDeniedByCdb('192.0.2.3'), 20_000);
  });

  test('all blocks are put into the new peers directory, and it is followed', async () => {
    site = new Site();
    makeVersions({});
    for (const version of [1, 2]) {
      const name = readdirSync(site.directory).includes(`v${version}`) ? `v${version}` : 'current';
      mkdirSync(site.path(name, 'peers'));
    }
    site.configure(`settings : { socket: "rater.sock"; db_path: "blocks.db"; };
      limits : { ip: ( ("*", 60, 10) ); };
      blocking : { time: 120; peers: "current/peers"; };`);
    const rater = await startRater();
    expect(await site.ipthrottle('block', '192.0.2.1', '192.0.2.2')).toMatchObject({ exit: 0 });
    // Until the directory is at rest, what we did there ourselves has it looked at.
    await sleep(1500);
    turn('v2');
    const peers = () => readdirSync(site.path('current', 'peers')).sort();
    await until('the files', () => peers().length === 2, 20_000);
    await rater.says(/replaced: /);
    renameSync(site.path('current', 'peers', '192.0.2.1'), site.path('taken'));
    await rater.says(/unblocked: address=192\.0\.2\.1 /);
    expect(peers()).toEqual(['192.0.2.2']);
  });
});

test('a configuration that is not there is told once, and used when it is back', async () => {
  site = new Site();
  const rater = await site.startRater();
  renameSync(site.path('rater.conf'), site.path('away'));
  await rater.says(/not reloaded: what=.*cannot read/);
  renameSync(site.path('away'), site.path('rater.conf'));
  await rater.says(/info: reloaded/);
  expect(rater.said.match(/not reloaded/g)).toHaveLength(1);
});
