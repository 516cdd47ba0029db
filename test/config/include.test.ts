/** Tests: src/config/read-bounded.ts */
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { checked, directory } from './mistakes-in.ts';

describe('@include', () => {
  const limits = 'limits: { };';

  test('is replaced by the file, whose path is relative to the including file', () => {
    const { config, mistakes } = checked({
      main: 'settings: {\n  @include "sub/one"\n  port: 25;\n};\nlimits: { ip: (); };',
      'sub/one': '@include "two"\nlog: "log";',
      'sub/two': 'max_age: 7;',
    });
    expect(mistakes).toEqual([]);
    expect(config?.settings).toMatchObject({ port: 25, maxAge: 7, log: `${directory}/sub/log` });
  });

  test.each<[string, Record<string, string>, string[]]>([
    [
      'a missing file',
      { m: `${limits}\n@include "no"` },
      ['m:2: cannot read "no": ENOENT: no such file or directory'],
    ],
    [
      'a directory',
      { m: '@include "."' },
      ['m:1: cannot read ".": EISDIR: illegal operation on a directory'],
    ],
    ['a cycle', { m: '@include "n"', n: '\n@include "m"' }, ['n:2: @include "m" includes itself']],
    ['no file name', { m: '@include "a\\nb"' }, ['m:1: @include "a\\nb" is no file name']],
    ['an unclosed name', { m: '@include "a\n' }, ['m:1: string is not closed on its line']],
    [
      'a mistake inside',
      { m: '\n@include "n"\n', n: '\n\na: ;' },
      ['n:3: expected a value of a, not ";"'],
    ],
    [
      'a name set in both',
      { m: 'a: 1;\n@include "n"', n: 'a: 2;' },
      ['n:1: a was set before, in m on line 1'],
    ],
  ])('%s is reported', (_, files, mistakes) => {
    expect(checked(files).mistakes.filter((line) => !line.includes('unknown'))).toEqual(
      expect.arrayContaining(mistakes),
    );
  });

  test('the configuration knows all its files, absolute and once each', () => {
    const { config } = checked({
      'f/main': '@include "one"\n@include "../f/two"\nlimits: { ip: (\n@include "list"\n) }',
      'f/one': 'settings: { };',
      'f/two': '@include "three"\nallow: "127.0.0.1";',
      'f/three': 'blocking: { };',
      'f/list': '("*", 1, 1)',
    });
    const names = ['main', 'one', 'two', 'three', 'list'];
    expect(config?.files).toEqual(names.map((name) => `${directory}/f/${name}`));
    const relative = join('..', basename(directory), 'f', 'main');
    expect(loadConfig(join(directory, relative)).files).toEqual(config?.files);
  });

  test('a configuration without includes is one file', () => {
    expect(checked('limits: { ip: () }').config?.files).toEqual([`${directory}/c`]);
  });

  test('an allowlist can be a file of its own', () => {
    const { config, mistakes } = checked({
      main: 'limits: { ip: () }\nallow : (\n@include "allow.conf"\n)',
      'allow.conf': '# customers\n"192.0.2.0/24",\n"2001:db8::/32",\n',
    });
    expect(mistakes).toEqual([]);
    expect(config?.allow.map(({ text }) => text)).toEqual(['192.0.2.0/24', '2001:db8::/32']);
  });

  test('ten files deep is enough', () => {
    const chain = Array.from({ length: 12 }, (_, n) => [`d${n}`, `@include "d${n + 1}"`]);
    expect(checked(Object.fromEntries(chain)).mistakes).toEqual([
      'd10:1: @include deeper than 10 files',
    ]);
  });

  test('a bomb of includes ends', () => {
    const level = (next: string) => `@include "${next}"\n`.repeat(100);
    const chain = Array.from({ length: 9 }, (_, n) => [`b${n}`, level(`b${n + 1}`)]);
    const { mistakes } = checked({ ...Object.fromEntries(chain), b9: '' });
    expect(mistakes.join('\n')).toContain('more than 4194304 bytes of configuration');
  });
});
