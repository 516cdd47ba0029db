/** Whatever no other program can confirm; test/golden/tcprules.test.ts has the rest. */

import { describe, expect, test } from 'vitest';
import {
  addressOfKey,
  deniedBy,
  isDenial,
  isIPv6Key,
  isRefusal,
  keyOf,
  lookupKeys,
  politeRefusal,
} from '../../../src/enforcers/tcprules/tcprules.ts';
import { addressFor } from '../../contract/enforcer.ts';
import { parsedRules } from './parsed-rules.ts';

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
    const rules = parsedRules(`:allow\n${line}\n`);
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
    expect(parsedRules(line)).toMatchObject({ foreign: [], mistakes: [] });
  });
});

test('all mistakes are listed, with their lines', () => {
  const { mistakes } = parsedRules('a:b\n:allow\n\n1.2.3.4:deny,\n1.2.3.4:allow,A="x\n');
  expect(mistakes).toEqual([
    { line: 1, text: 'a:b', what: 'after the address and a colon, it must say allow or deny' },
    { line: 4, text: '1.2.3.4:deny,', what: 'a variable needs =' },
    { line: 5, text: '1.2.3.4:allow,A="x', what: 'a value has no closing "\\""' },
  ]);
});

test.for([
  ['192.0.2.1', '192.0.2.1', ['192.0.2.1', '192.0.2.', '192.0.', '192.', '']],
  ['192.0.2.0/24', '192.0.2.', ['192.0.2.', '192.0.', '192.', '']],
  ['192.0.0.0/16', '192.0.', ['192.0.', '192.', '']],
  ['10.0.0.0/8', '10.', ['10.', '']],
  ['10.0.0.0/9', undefined, ['10.', '']],
  ['0.0.0.0/0', undefined, ['']],
  ['2001:db8::1', '2001:db8::1', ['2001:db8::1', '']],
  ['2001:db8::/64', '2001:db8::/64', ['']],
  ['::/0', undefined, ['']],
] as const)('%s has the key %s', ([text, key, keys]) => {
  expect(keyOf(addressFor(text))).toBe(key);
  expect(lookupKeys(addressFor(text))).toEqual(keys);
  if (key === undefined) return;
  expect(addressOfKey(key)?.text).toBe(text);
  expect(isIPv6Key(key)).toBe(text.includes(':'));
});

test.for([
  ['D\0', true],
  ['D\0+A=b\0', true],
  ['+A=b\0D\0', true],
  ['', false],
  ['+A=D\0', false],
  ['+D=\0', false],
  ['D', false],
  ['+RBLSMTPD=no\0', true],
  ['+A=b\0+RBLSMTPD=-no\0', true],
  ['+RBLSMTPD=\0', false],
  ['+RBLSMTPD=no\0+RBLSMTPD=\0', false],
] as const)('the data %j refuses: %s', ([data, refuses]) => {
  expect(isRefusal(data)).toBe(refuses);
});

test('a polite refusal refuses, does not deny, and is never permanent', () => {
  for (const message of ['Slow down', '-x', '--x', ' ']) {
    const { data, instructions } = politeRefusal(message);
    expect(isRefusal(data)).toBe(true);
    expect(isDenial(data)).toBe(false);
    expect(parsedRules(`1.2.3.4:${instructions}\n`).records[0]?.[1]).toEqual(data);
    expect(instructions).not.toContain('"-');
  }
});

test.for([
  ['192.0.2.0/24:deny', '192.0.2.0/24'],
  ['192.0.2.0/24:deny,A="b"', '192.0.2.0/24'],
  ['2001:db8::1:deny', '2001:db8::1'],
  ['2001:db8::/32:deny', '2001:db8::/32'],
  ['2001:db8::/32:allow', undefined],
  ['192.0.2.0/24:allow,A=":deny"', undefined],
  ['joe@::1:deny', undefined],
  ['192.0.2.:deny,!GREYIP', '192.0.2.0/24'],
  [':deny,!GREYIP', 'unknown'],
  ['192.0.2.1-9:deny,!GREYIP', 'unknown'],
  ['192.0.2.1:refuse', undefined],
] as const)('the line %s denies %s', ([text, network]) => {
  const denied = deniedBy({ line: 1, text });
  expect(typeof denied === 'object' ? denied.text : denied).toBe(network);
});
