import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IdentityWatch } from '../../src/files/identity-watch.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

/** `current/file`, where `current` leads to one of two directories. */
function place() {
  const directory = temporaryDirectory();
  const path = (...names: string[]) => join(directory, ...names);
  for (const name of ['v1', 'v2']) {
    mkdirSync(path(name));
    writeFileSync(path(name, 'file'), name);
  }
  symlinkSync('v1', path('current'));
  const switchTo = (name: string) => {
    symlinkSync(name, path('new'));
    renameSync(path('new'), path('current'));
  };
  return { path, file: path('current', 'file'), switchTo };
}

function looks(watch: IdentityWatch, times: number): boolean[] {
  return Array.from({ length: times }, () => watch.look());
}

test('a link that leads elsewhere is told once, after a second look, and so is what follows', () => {
  const { path, file, switchTo } = place();
  const watch = new IdentityWatch([file]);
  expect(looks(watch, 2)).toEqual([false, false]);
  switchTo('v2');
  expect(looks(watch, 4)).toEqual([false, true, false, false]);
  writeFileSync(path('v2', 'file'), 'more');
  expect(looks(watch, 3)).toEqual([false, true, false]);
});

test('Guarantee: nobody is told of a file while it is written', () => {
  const { file } = place();
  const watch = new IdentityWatch([file]);
  for (let length = 10; length < 20; length += 1) {
    writeFileSync(file, 'x'.repeat(length));
    expect(watch.look()).toBe(false);
  }
  expect(watch.look()).toBe(true);
});

test('a file that is away for one look only is no news', () => {
  const { path } = place();
  const watch = new IdentityWatch([path('v1', 'file'), path('v2', 'file')]);
  renameSync(path('v1'), path('old'));
  expect(watch.look()).toBe(false);
  renameSync(path('old'), path('v1'));
  expect(looks(watch, 3)).toEqual([false, false, false]);
  rmSync(path('v1', 'file'));
  expect(looks(watch, 3)).toEqual([false, true, false]);
});

test('what was read is known as it was then, other files as they are now', () => {
  const { path } = place();
  const [one, other] = [path('v1', 'file'), path('v2', 'file')];
  const read = new IdentityWatch([one]).now();
  writeFileSync(one, 'saved while it was read');
  const watch = new IdentityWatch([one, other], read);
  expect(looks(watch, 2)).toEqual([true, false]);
  writeFileSync(other, 'saved by us');
  watch.know();
  expect(looks(watch, 3)).toEqual([false, false, false]);
});
