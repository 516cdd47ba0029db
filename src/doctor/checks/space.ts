/** Whether the file systems that rater writes to are writable and have room, each reported once. */
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Finding, problem } from '../../health/finding.ts';
import { errnoOf } from '../../runtime/errors.ts';
import type { Check } from '../check.ts';

const leastShare = 0.05;
const leastBytes = 100 * 1024 * 1024;

function shortageIn(path: string): string | undefined {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(path);
  const bytes = bavail * bsize;
  if (bytes < leastBytes || bavail < blocks * leastShare) {
    const share = blocks > 0 ? Math.floor((100 * bavail) / blocks) : 0;
    return `${Math.floor(bytes / 1024 / 1024)} MB are left (${share} %)`;
  }
  if (files > 0 && ffree < files * leastShare) return `${ffree} of ${files} files are left`;
  return undefined;
}

/** Even for root. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return errnoOf(error) === 'EROFS';
  }
}

export const space: Check = {
  name: 'space',
  looksAt: 'the file systems',
  run({ config: { settings }, enforcers }) {
    const paths = [
      ...(settings.dbPath === ':memory:' ? [] : [dirname(settings.dbPath)]),
      ...enforcers.flatMap(({ directories }) => directories.map(({ path }) => path)),
      ...enforcers.flatMap(({ files }) => files.map((file) => dirname(file))),
    ];
    const seen = new Set<number>();
    return paths.flatMap((path): Finding[] => {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (!stats || seen.has(stats.dev)) return [];
      seen.add(stats.dev);
      if (isReadOnly(path)) {
        const remedy = 'see in the log of the kernel why, and mount it writable';
        return [problem(`${path}: its file system is read-only`, remedy)];
      }
      const left = shortageIn(path);
      return left === undefined
        ? []
        : [problem(`${path}: on its file system ${left}`, 'make room')];
    });
  },
};
