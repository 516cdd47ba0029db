/**
 * A date of the test's own for the programs of a site, by libfaketime, which changes what they take
 * for the date and leaves the monotonic clock, and the instants of files, alone.
 */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import type { Site } from './site.ts';

/** Where Debian and others have it, by architecture. */
function findLibrary(): string | undefined {
  const places = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`);
  const paths = ['/usr/lib', ...places].map((place) => `${place}/faketime/libfaketime.so.1`);
  return paths.find((path) => existsSync(path));
}

const library = findLibrary();
/** Why no date can be set, or undefined. */
export const noFakeDate = library ? undefined : 'not installed: libfaketime';

/** The `environment` of a site whose date is set by `setDate`. */
export const fakeDate: readonly string[] = [
  `LD_PRELOAD=${library}`,
  'FAKETIME_NO_CACHE=1',
  'NO_FAKE_STAT=1',
  'FAKETIME_DONT_FAKE_MONOTONIC=1',
  'FAKETIME_TIMESTAMP_FILE=date',
];

/** Sets the date of what runs there to so many seconds after the real one. */
export function setDate(site: Site, seconds: number): void {
  writeFileSync(site.path('..date'), `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  renameSync(site.path('..date'), site.path('date'));
}
