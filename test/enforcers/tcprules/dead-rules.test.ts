/**
 * Rules that never match are told from those that do, as the real tcprulescheck sees it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deadRules } from '../../../src/enforcers/tcprules/dead-rules.ts';
import { inNewDirectory, runTcprules, runTcprulescheck } from '../../golden/real-tools.ts';
import { missing, unless } from '../../run/unless.ts';

const noCheck = missing('tcprules', 'tcprulescheck');

/** Whether the installed tools refuse the address by these rules. */
function refuses(rules: string, address: string): boolean {
  return inNewDirectory((directory) => {
    const cdb = join(directory, 'cdb');
    writeFileSync(cdb, runTcprules(Buffer.from(rules, 'latin1')).bytes ?? '');
    return runTcprulescheck(cdb, address).includes('deny connection');
  });
}

const dead = [
  [' 192.0.2.1', '192.0.2.1', /blank/, 'write 192.0.2.1'],
  ['\t192.0.2.1', '192.0.2.1', /blank/, 'write 192.0.2.1'],
  ['192.0.2.1 ', '192.0.2.1', /blank/, 'write 192.0.2.1'],
  ['192.0.2', '192.0.2.1', /ends in a dot/, 'write 192.0.2.'],
  ['192', '192.0.2.1', /ends in a dot/, 'write 192.'],
  ['192.0.1-3', '192.0.2.1', /ends in a dot/, 'write 192.0.1-3.'],
  ['192.0.2.*', '192.0.2.1', /asterisk/, 'write 192.0.2.'],
  ['192.0.*.*', '192.0.2.1', /asterisk/, 'write 192.0.'],
  ['*', '192.0.2.1', /asterisk/, 'write nothing in front of the colon'],
  ['ALL', '192.0.2.1', /hosts\.allow/, 'write nothing in front of the colon'],
  ['192.0.2.257', '192.0.2.1', /255/, /192\.0\.2\.1-9/],
  ['192.0.300.', '192.0.2.1', /255/, /192\.0\.2\.1-9/],
  ['192.000.002.001', '192.0.2.1', /zeros/, 'write 192.0.2.1'],
  ['192.0.2.1.', '192.0.2.1', /no dot/, 'write 192.0.2.1'],
  ['\xef\xbb\xbf192.0.2.1', '192.0.2.1', /byte order mark/, 'write 192.0.2.1'],
  ['\xef\xbb\xbf', '192.0.2.1', /byte order mark/, 'write nothing in front of the colon'],
  ['192.0.2.9-1', '192.0.2.1', /backward/, 'write 192.0.2.1-9'],
  ['192.0.2.1-192.0.2.9', '192.0.2.1', /no address/, /192\.0\.2\.1-9/],
  ['192..2.1', '192.0.2.1', /no address/, /192\.0\.2\.1-9/],
  ['client.example', '192.0.2.1', /begins with =/, 'write =client.example'],
  ['joe@192.0.2.', '192.0.2.1', /one address/, /each address/],
] as const;

test.for(dead)(
  '%j:deny does not refuse %s, and it is said why',
  unless(noCheck),
  ([address, client, why, remedy]) => {
    expect(refuses(`${address}:deny\n`, client)).toBe(false);
    const found = deadRules(`# comment\n${address}:deny\n`);
    const line = address.startsWith('\xef') ? deadRules(`${address}:deny\n`) : found;
    expect(line).toEqual([
      {
        line: line === found ? 2 : 1,
        why: expect.stringMatching(why),
        remedy: expect.stringMatching(remedy),
      },
    ]);
    const better = /^write (\S+)$/.exec(line[0]?.remedy ?? '')?.[1];
    if (better && !better.startsWith('=')) expect(refuses(`${better}:deny\n`, client)).toBe(true);
  },
);

test.for(['192.0.2.1', '192.0.2.1-9', '192.0.2.', '192.0.', '192.', '190-200.', '192.0.1-3.', ''])(
  '%j:deny refuses, and nothing is said',
  unless(noCheck),
  (address) => {
    expect(refuses(`${address}:deny\n`, '192.0.2.1')).toBe(true);
    expect(deadRules(`${address}:deny\n`)).toEqual([]);
  },
);

test.for([
  '=client.example:deny',
  '=.example:deny',
  '=:allow',
  'joe@192.0.2.1:deny',
  'joe and a blank@=client.example:deny',
  '192.0.2.1:allow,RELAYCLIENT="",_A1="b c"',
  '2001:db8::1:deny',
  '192.0.2.0/24:deny',
  'no colon',
  '# *:deny',
])('nothing is said of %j', (line) => {
  expect(deadRules(`${line}\n`)).toEqual([]);
});

test('a variable whose name is not one is named', () => {
  expect(deadRules('192.0.2.1:allow,A="", NOHELO=""\n:allow,RELAY CLIENT=""\n')).toEqual([
    {
      line: 1,
      why: 'it sets a variable " NOHELO", which no program looks for',
      remedy: 'write NOHELO right behind the comma',
    },
    {
      line: 2,
      why: 'it sets a variable "RELAY CLIENT", which no program looks for',
      remedy: 'write ,NAME="value" for each variable',
    },
  ]);
});

test('of two rules for the same, the second is named when it says something else', () => {
  const rules =
    '192.0.2.1:allow\n192.0.2.1:deny\n192.0.2.7:deny\n192.0.2.7:deny\n192.0.2.0-9:deny\n';
  expect(deadRules(rules)).toEqual([
    {
      line: 2,
      why: 'line 1 says something else of the same, and the first one counts',
      remedy: 'keep the one that is meant',
    },
  ]);
});
