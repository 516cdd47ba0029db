/** Finds a file system that is read-only or nearly full. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { unless } from '../../run/unless.ts';
import type { Site } from '../../system/site.ts';
import { noSmallDisk } from '../../system/small-disk.ts';
import { examine, kinds, newSite, put, startAsked } from '../examination.ts';

describe('a small file system', unless(noSmallDisk), () => {
  /** Mounts a tmpfs on the peers directory. */
  function mount(site: Site, options: string): void {
    const args = ['-t', 'tmpfs', '-o', `${options},mode=755`, 'none', site.path('peers')];
    execFileSync('mount', args);
  }

  test('is found to be read-only', async () => {
    const site = newSite();
    mount(site, 'size=500m');
    try {
      const rater = await startAsked(site);
      await rater.killedBy('SIGTERM');
      spawnSync('mount', ['-o', 'remount,ro', site.path('peers')]);
      const { findings } = await examine(site);
      expect(kinds(findings)).toEqual(['problem daemon', 'problem space']);
      expect(findings[1]?.what).toMatch(/peers: its file system is read-only$/);
    } finally {
      spawnSync('umount', [site.path('peers')]);
    }
  });

  test.each([
    { what: 'room', options: 'size=2m', files: 0, says: /MB are left/ },
    { what: 'files', options: 'size=500m,nr_inodes=20', files: 19, says: /0 of 20 files are left/ },
  ])('is found to have few $what left', async ({ options, files, says }) => {
    const site = newSite();
    mount(site, options);
    try {
      for (let n = 1; n <= files; n += 1) put(site, `10.0.0.${n}`, 0o444);
      const rater = await startAsked(site);
      const { findings } = await examine(site);
      await rater.killedBy('SIGKILL');
      expect(kinds(findings)).toEqual(['problem space']);
      expect(findings[0]?.what).toMatch(says);
    } finally {
      spawnSync('umount', [site.path('peers')]);
    }
  });
});
