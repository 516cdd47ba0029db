/** A file system that is read-only or nearly full is found. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Site } from '../../system/site.ts';
import { examine, kinds, newSite, put } from '../examination.ts';

describe('a small file system', () => {
  /** Mounts a tmpfs on the peers directory; why that cannot be, or undefined. */
  function mount(site: Site, options: string): string | undefined {
    const args = ['-t', 'tmpfs', '-o', `${options},mode=755`, 'none', site.path('peers')];
    const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
    return status === 0 ? undefined : `cannot mount: ${stderr}`;
  }

  test('is found to be read-only', async () => {
    const site = newSite();
    const why = mount(site, 'size=500m');
    if (why !== undefined) {
      console.warn(`tests skipped: ${why}`);
      return;
    }
    try {
      const rater = await site.startRater();
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
    const why = mount(site, options);
    if (why !== undefined) {
      console.warn(`tests skipped: ${why}`);
      return;
    }
    try {
      for (let n = 1; n <= files; n += 1) put(site, `10.0.0.${n}`, 0o444);
      const rater = await site.startRater();
      const { findings } = await examine(site);
      await rater.killedBy('SIGKILL');
      expect(kinds(findings)).toEqual(['problem space']);
      expect(findings[0]?.what).toMatch(says);
    } finally {
      spawnSync('umount', [site.path('peers')]);
    }
  });
});
