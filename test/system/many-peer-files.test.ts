/**
 * A peers directory with very many files, the administrator's and blocks mixed: rater starts,
 * answers checks while it looks at them, and every command copes.
 *
 * IPTHROTTLE_PEER_FILES: how many; 20 000 by default.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseNetwork } from '../../src/core/address.ts';
import { endSecond, peerFileText } from '../../src/enforcers/peers/peer-file.ts';
import { block } from '../core/blocks.ts';
import { ask } from './line-client.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const count = Number(process.env.IPTHROTTLE_PEER_FILES ?? 20_000);
const tmpfsMagic = 0x01021994;
const hourMs = 3_600_000;
const patienceMs = 300_000;

let site: Site;
let files: string;

afterEach(async () => {
  await site.stop();
  rmSync(files, { recursive: true, force: true });
});

/** Where many files cost no disk, if that can be had. */
function whereFilesAreCheap(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    if (statfsSync('/dev/shm').type === tmpfsMagic) return '/dev/shm';
  } catch {
    // Not available here.
  }
  return tmpdir();
}

function name(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

/** Every other file is a block of ours that no database knows, every other one the admin's. */
function writeFiles(directory: string, untilMs: number): void {
  for (let index = 0; index < count; index += 1) {
    const path = join(directory, name(index));
    if (index % 2 === 0) writeFileSync(path, '+OWN=1\n', { mode: 0o444 });
    else {
      const found = parseNetwork(name(index));
      if (!found) throw new Error(name(index));
      const own = block(found.text, { sinceMs: Date.now(), untilMs });
      writeFileSync(path, peerFileText(own), { mode: 0o200 });
      utimesSync(path, endSecond(untilMs), endSecond(untilMs));
    }
  }
}

test(
  `${count} files: checks are answered before a pass is over, and commands cope`,
  async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 1000000) );', settings: 'max_blocks: 1000000;' });
    files = mkdtempSync(join(whereFilesAreCheap(), 'ipthrottle-'));
    const directory = join(files, 'peers');
    mkdirSync(directory);
    rmSync(site.path('peers'), { recursive: true });
    symlinkSync(directory, site.path('peers'));
    writeFiles(directory, Date.now() + hourMs);
    const blocks = Math.floor(count / 2);

    const rater = site.spawnRater();
    await rater.says(/^rater: info: ready:/m);
    // What is found late is put into the database while checks are answered.
    let checks = 0;
    const found = /reconciled: .*found=\d+\n/;
    while (!found.test(rater.said) && !new RegExp(`ready:.* blocks=${blocks} `).test(rater.said)) {
      expect(await ask({ path: site.path('rater.sock') }, ['ip 192.0.2.1\n'])).toMatch(/^0 /);
      checks += 1;
    }
    if (found.test(rater.said)) expect(checks).toBeGreaterThan(10);
    expect(await site.list()).toHaveLength(blocks);
    expect(await site.ipthrottle('check', name(1))).toMatchObject({ exit: 1 });
    expect(await site.ipthrottle('reap')).toMatchObject({ exit: 0 });
    const { stdout } = await site.ipthrottle('doctor');
    expect(stdout).not.toMatch(/problem: drift/);
    await rater.killedBy('SIGTERM');

    // Now the database knows them, and the first pass after the start finds all as it should be.
    const again = await site.startRater();
    expect(again.said).toMatch(new RegExp(`ready:.* blocks=${blocks} `));
    rmSync(join(directory, name(1)));
    await until(
      'the removed file is an unblock',
      async () => {
        expect(await ask({ path: site.path('rater.sock') }, ['ip 192.0.2.1\n'])).toMatch(/^0 /);
        return /unblocked: address=10\.0\.0\.1 .*by="file removed"/.test(again.said);
      },
      patienceMs,
    );
    await again.killedBy('SIGTERM');
    expect((await site.list()).length).toBe(blocks - 1);
    expect(await site.ipthrottle('reap')).toMatchObject({ exit: 0 });
    expect(readdirSync(directory)).toHaveLength(count - 1);
  },
  patienceMs,
);
