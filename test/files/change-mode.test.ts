import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changeMode } from '../../src/files/change-mode.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

test('changes the mode of the expected file, even if it may not be opened', () => {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, '');
  chmodSync(path, 0);
  changeMode(path, 0o640, (stats) => stats.isFile());
  expect(modeOf(path)).toBe(0o640);
});

test('changes nothing through a link, and no unexpected file', () => {
  const directory = temporaryDirectory();
  const [file, link, other] = ['file', 'link', 'other'].map((name) => join(directory, name));
  writeFileSync(file as string, '', { mode: 0o600 });
  symlinkSync(file as string, link as string);
  mkdirSync(other as string, 0o700);
  for (const path of [link, other] as string[]) {
    expect(() => changeMode(path, 0o666, (stats) => stats.isFile())).toThrow('is not the file');
  }
  expect([modeOf(file as string), modeOf(other as string)]).toEqual([0o600, 0o700]);
  expect(() => changeMode(link as string, 0o666, () => true)).toThrow();
  expect(modeOf(file as string)).toBe(0o600);
});
