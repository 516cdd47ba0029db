/** readRules and compileCdb against the bytes of the real tcprules. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCdb, latin1 } from '../../src/enforcers/cdb/cdb.ts';
import { silentRefusal } from '../../src/enforcers/tcprules/tcprules.ts';
import { doNow } from '../../src/runtime/work.ts';
import { parsedRules } from '../enforcers/tcprules/parsed-rules.ts';
import { missing, unless } from '../run/unless.ts';
import { runTcprules } from './real-tools.ts';

/** Sources that tcprules takes. */
const accepted: Record<string, string> = {
  'nothing at all': '',
  'comments and empty lines only': '# a\n\n#b:deny\n',
  'a denied address': '1.2.3.4:deny\n',
  'no newline at the end': '1.2.3.4:deny',
  'trailing blanks and tabs': '1.2.3.4:deny \t \n:allow,A="b" \n',
  'a leading blank, which becomes part of the key': ' 1.2.3.4:deny\n',
  'a comment that does not start its line': ' #x\n 1.2.3.4\n',
  'a line without a colon': '1.2.3.4 deny\n1.2.3.5:deny\n',
  'lines of blanks': '   \n\t\n',
  'the default': ':deny\n',
  prefixes: '5.6.7.:deny\n5.6.:allow\n5.:deny\n',
  'host names': '=mx.example.net:allow\n=.example.org:deny\n=:allow\n',
  'ident names': 'joe@127.0.0.1:deny\njoe@=mx.example.net:allow\n',
  'a range of addresses': '1.2.3.37-53:deny\n',
  'a range of prefixes': '10.2-3.:allow,RELAYCLIENT="@fix.me"\n',
  'a range in the middle, with a hyphen behind it': '1.2.3.1-3.4-5:deny\n',
  'a range beyond 255': '1.2.3.250-999:deny\n1.2.3.300-301:deny\n',
  'a range backwards': '9-7.:deny\n',
  'a range without its start': '1.2.3.-5:deny\n',
  'a range without its end': '1.2.3.1-:deny\n1.2.3.0-:deny\n',
  'leading zeros in a range': '01-03.:deny\n',
  'numbers that do not fit': '99999999999999999999-1:deny\n1-18446744073709551618:deny\n',
  'a NUL within a range': '1.2.3.4\0x-6:deny\n',
  'a hyphen after @ or =': 'a@b-c:deny\n=a-b.example:deny\n',
  'deny with a variable': '1.2.3.4:deny,WHY="spam"\n',
  'several variables': '127.0.0.1:allow,RELAYCLIENT="",TCPLOCALHOST="movie.edu"\n',
  'any quotes': ':allow,A=/x/,B==y=,C=,z,,D=||\n',
  'quotes that are blanks': ':allow,A= x ,B="y"\n',
  'colons and quotes in a value': ':allow,A="::1/64",B="\'"\n',
  'a variable without a name': ':allow,="x"\n',
  'bytes beyond ASCII': ':allow,A="caf\u00e9\u00ff"\n',
  'a NUL in a key': 'a\0b:deny\n',
  duplicates: '1.2.3.4:deny\n1.2.3.4:allow\n1.2.3.4:deny\n',
};

/** Sources that tcprules refuses, each with the line of the mistake. */
const refused: Record<string, readonly [source: string, line: number]> = {
  'an unknown instruction': ['1.2.3.4:reject\n', 1],
  'no instruction': ['#\n1.2.3.4:\n', 2],
  'only a colon': [':\n', 1],
  'capital letters': ['1.2.3.4:DENY\n', 1],
  'a carriage return': ['1.2.3.4:allow\r\n', 1],
  'a blank before the instruction': ['1.2.3.4: deny\n', 1],
  'text after the instruction': ['1.2.3.4:denyx\n', 1],
  'text after a value': [':allow\n1.2.3.4:allow,A="x"B\n', 2],
  'an open value': ['1.2.3.4:allow,A="x\n', 1],
  'a value whose quotes are trailing blanks': ['1.2.3.4:allow,A=   \n', 1],
  'a variable without =': ['1.2.3.4:allow,A\n', 1],
  'a variable without a value': ['1.2.3.4:allow,A=\n', 1],
  'a comma at the end': ['1.2.3.4:allow,\n', 1],
  'names around a hyphen': ['\na-b.com:deny\n', 2],
  'a NUL after the instruction': ['1.2.3.4:deny\0\n', 1],
};

const skipped = missing('tcprules');

function compileHere(source: string): Uint8Array {
  return doNow(compileCdb(parsedRules(source).records));
}

describe('a source gives the bytes of the real tcprules', unless(skipped), () => {
  test.for(Object.entries(accepted))('%s', ([, source]) => {
    expect(parsedRules(source).mistakes).toEqual([]);
    expect(parsedRules(source).foreign).toEqual([]);
    expect(compileHere(source)).toEqual(new Uint8Array(runTcprules(latin1(source)).bytes ?? []));
  });

  test('20 000 addresses and everything else in one source', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.9:deny\n`);
    const source = many.join('') + Object.values(accepted).join('\n');
    const real = runTcprules(latin1(source)).bytes;
    expect(Buffer.compare(compileHere(source), real ?? new Uint8Array())).toBe(0);
  });
});

describe('a source that the real tcprules refuses has a mistake', unless(skipped), () => {
  test.for(Object.entries(refused))('%s', ([, [source, line]]) => {
    expect(parsedRules(source).mistakes.map((mistake) => mistake.line)).toEqual([line]);
    expect(runTcprules(latin1(source)).refuses).toBeDefined();
  });
});

// Every run starts a process, so the tests may take long on a busy machine.
describe('random sources', unless(skipped), () => {
  const octet = fc.integer({ min: 0, max: 260 });
  const address = fc.oneof(
    fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.')),
    fc.tuple(octet, octet).map(([a, b]) => `${a}.${b}.`),
    fc.tuple(octet, octet, octet).map(([a, b, c]) => `${a}.${b}-${c}.`),
    fc.constantFrom('', '=', '=a.example', 'joe@1.2.3.4', '-', '1-2-3'),
  );
  const variable = fc
    .tuple(fc.stringMatching(/^[A-Z]{0,3}$/), fc.constantFrom('"', '/', ',', '=', 'x'))
    .map(([name, quote]) => `,${name}=${quote}1.2${quote}`);
  const rule = fc
    .tuple(address, fc.constantFrom('allow', 'deny'), fc.array(variable, { maxLength: 3 }))
    .map(([where, verb, variables]) => `${where}:${verb}${variables.join('')}`);
  const noise = fc.string({
    unit: fc.constantFrom(...'1.-:=@,#" \t/ab', 'deny', 'allow', '\0', '\r', '\u00e9'),
    maxLength: 12,
  });
  const mutated = fc
    .tuple(rule, fc.nat(20), noise)
    .map(([text, where, extra]) => text.slice(0, where) + extra + text.slice(where));

  function agrees(source: string): void {
    const ours = parsedRules(source);
    fc.pre(ours.foreign.length === 0);
    const real = runTcprules(latin1(source));
    const first = ours.mistakes[0];
    if (first) {
      const line = source.split('\n')[first.line - 1] ?? '';
      // The tool's message ends at a NUL, because it prints a C string.
      expect(real.refuses).toBe(line.replace(/[ \t]+$/, '').split('\0')[0]);
    } else {
      expect(real.refuses).toBeUndefined();
      expect(Buffer.compare(doNow(compileCdb(ours.records)), real.bytes ?? new Uint8Array())).toBe(
        0,
      );
    }
  }

  test('of good rules give the same bytes', () => {
    const source = fc.array(rule, { maxLength: 40 }).map((lines) => lines.join('\n'));
    fc.assert(fc.property(source, agrees), { numRuns: 100 });
  });

  test('of any text are taken or refused as by tcprules, at the same line', () => {
    const line = fc.oneof(noise, mutated, mutated);
    const source = fc.array(line, { maxLength: 3 }).map((lines) => lines.join('\n'));
    fc.assert(fc.property(source, agrees), { numRuns: 250 });
  });

  test('our deny rule has the bytes that tcprules makes of ADDRESS:deny', () => {
    const real = runTcprules('192.0.2.1:deny\n').bytes;
    const ours = doNow(compileCdb([['192.0.2.1', silentRefusal.data]]));
    expect(ours).toEqual(new Uint8Array(real ?? []));
  });
});
