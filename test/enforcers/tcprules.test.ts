/** What no other program can confirm; for the rest, see test/golden/tcprules.test.ts. */
import { describe, expect, test } from 'vitest';
import { isRefusal, keyOf, latin1, lookupKeys, parseRules } from '../../src/enforcers/tcprules.ts';
import { addressFor } from '../contract/enforcer.ts';

describe('foreign lines are recognised', () => {
  test.for([
    '::1:deny',
    '2001:db8::1:allow,RELAYCLIENT=""',
    '2001:db8::/32:deny',
    'fe80::deny',
    '::ffff:192.0.2.1:deny',
    'joe@2001:db8::1:deny',
    '192.0.2.0/24:deny',
    '192.0.2.0/24:allow,A="b"  ',
  ])('%s', (line) => {
    const rules = parseRules(latin1(`:allow\n${line}\n`));
    expect(rules.foreign).toEqual([{ line: 2, text: line.trimEnd() }]);
    expect(rules.mistakes).toEqual([]);
    expect(rules.records.length).toBe(1);
  });

  test.for([
    '1.2.3.4:allow,X="a:deny"',
    '1.2.3.4:allow,X="::1/64"',
    '=a/b.example:deny',
    'a/b@1.2.3.4:deny',
    '# ::1:deny',
  ])('but not in %s', (line) => {
    expect(parseRules(latin1(line))).toMatchObject({ foreign: [], mistakes: [] });
  });
});

test('all mistakes are listed, with their lines', () => {
  const { mistakes } = parseRules(latin1('a:b\n:allow\n\n1.2.3.4:deny,\n1.2.3.4:allow,A="x\n'));
  expect(mistakes).toEqual([
    { line: 1, what: 'after the address and a colon, it must say allow or deny' },
    { line: 4, what: 'a variable needs =' },
    { line: 5, what: 'a value has no closing "\\""' },
  ]);
});

test.for([
  ['192.0.2.1', '192.0.2.1', ['192.0.2.1', '192.0.2.', '192.0.', '192.', '']],
  ['192.0.2.0/24', '192.0.2.', ['192.0.2.', '192.0.', '192.', '']],
  ['192.0.0.0/16', '192.0.', ['192.0.', '192.', '']],
  ['10.0.0.0/8', '10.', ['10.', '']],
  ['10.0.0.0/9', undefined, ['10.', '']],
  ['0.0.0.0/0', undefined, ['']],
  ['2001:db8::1', undefined, ['2001:db8::1', '']],
] as const)('%s has the key %s', ([text, key, keys]) => {
  expect(keyOf(addressFor(text))).toBe(key);
  expect(lookupKeys(addressFor(text))).toEqual(keys);
});

test.for([
  ['D\0', true],
  ['D\0+A=b\0', true],
  ['+A=b\0D\0', true],
  ['', false],
  ['+A=D\0', false],
  ['+D=\0', false],
  ['D', false],
] as const)('the data %j refuses: %s', ([data, refuses]) => {
  expect(isRefusal(latin1(data))).toBe(refuses);
});
