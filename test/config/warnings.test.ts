import { describe, expect, test } from 'vitest';
import { checked, directory } from './mistakes-in.ts';

/** The warnings about a configuration, which is right all the same. */
function warnings(files: Parameters<typeof checked>[0]): string[] {
  const { config, mistakes } = checked(files);
  expect(mistakes).toEqual([]);
  return (config?.warnings ?? []).map((line) => line.replaceAll(`${directory}/`, ''));
}

describe('limits that are never reached', () => {
  test('are told with what comes first, in the order of the file', () => {
    const text = `limits: {
      user: ( ("*@a.org", 60, 1), ("joe", 60, 1),
        ("joe@a.org", 60, -1), ("joe", 60, 5) );
      ip: ( ("192.0.2.0/24", 60, 100),
        ("192.0.2.7", 60, -1),
        ("*", 60, 10),
        ("198.51.100.0/24", (60, 1), (3600, 5)), ("10.*", 60, 1) );
    };`;
    expect(warnings(text)).toEqual([
      'c:3: warning: limits.user: "joe@a.org" is never reached: "*@a.org" on line 2 comes first and matches all that it does',
      'c:3: warning: limits.user: "joe" is never reached: "joe" on line 2 comes first and matches all that it does',
      'c:5: warning: limits.ip: "192.0.2.7" is never reached: "192.0.2.0/24" on line 4 comes first and matches all that it does',
      'c:7: warning: limits.ip: "198.51.100.0/24" is never reached: "*" on line 6 comes first and matches all that it does',
      'c:7: warning: limits.ip: "10.*" is never reached: "*" on line 6 comes first and matches all that it does',
    ]);
  });

  test('say in which file the first one is', () => {
    const limits = 'limits: { ip: (\n@include "first"\n("192.0.2.7", 60, -1) ); };';
    expect(warnings({ main: limits, first: '("*", 60, 1),' })).toEqual([
      'main:3: warning: limits.ip: "192.0.2.7" is never reached: "*" in first on line 1 comes first and matches all that it does',
    ]);
  });

  test('do not come of the order in which it is right, of classes, or of the allowlist', () => {
    const text = `limits: { ip: ( ("192.0.2.7", 60, 1), ("192.0.2.0/24", 60, 9), ("*", 60, 10) );
      net: ( ("192.0.2.7", 60, 1), ("*", 60, 10) ); user: ( ("10.0.0.0/8", 1, 1), ("10.1.2.3", 1, 1) ); };
      classes: { net: { prefix4: 24; }; };
      allow: ("192.0.2.0/24", "192.0.2.7", "0.0.0.0/0");`;
    expect(warnings(text)).toEqual([]);
  });

  test('are also those that match nothing', () => {
    expect(
      warnings('limits: { ip: ( ("*.example.org", 60, 1) ); user: ( ("x\\\\", 1, 1) ); }'),
    ).toEqual([
      'c:1: warning: limits.ip: "*.example.org" matches no address in its usual spelling',
      'c:1: warning: limits.user: "x\\\\" matches nothing',
    ]);
  });

  test('are a hundred at most, and then a number', () => {
    const limits = Array.from({ length: 150 }, () => '("*", 60, 1)').join(',\n');
    const told = warnings(`limits: { ip: (\n${limits}) };`);
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe('c: and 49 more warnings');
  });
});

test.each([
  ['192.0.2.7/24', '192.0.2.0/24', '192.0.2.7'],
  ['192.0.2.7/0', '0.0.0.0/0', '192.0.2.7'],
  ['2001:DB8::7/32', '2001:db8::/32', '2001:db8::7'],
  ['::ffff:192.0.2.7/120', '192.0.2.0/24', '192.0.2.7'],
])('the network %s, which is none, is told with what it is taken as', (text, network, address) => {
  const told = `${JSON.stringify(text)} is taken as ${network}; write that, or ${address}`;
  expect(warnings(`limits: { ip: ( ("${text}", 60, 1) ); };\nallow: ("${text}");`)).toEqual([
    `c:1: warning: limits.ip: ${told}`,
    `c:2: warning: allow: ${told}`,
  ]);
  expect(
    warnings(`limits: { ip: ( ("${network}", 60, 1) ); user: ( ("${text}", 1, 1) ); }`),
  ).toEqual([]);
});

describe('a message that rblsmtpd cuts', () => {
  const long = 'x'.repeat(201);
  const rules = 'tcprules: { source: "s"; cdb: "c"; };';
  const limits = 'limits: { ip: ( ("*", 60, 1) ); };\n';
  const what = 'is too long: under tcpserver rblsmtpd shows 200 of 201 characters';

  test.each([
    [`mode: "polite"; ${rules} message: "${long}";`, [`c:2: warning: blocking.message ${what}`]],
    [
      `mode: "polite"; ${rules} message: "-${long.slice(2)}";`,
      [`c:2: warning: blocking.message ${what}`],
    ],
    [`mode: "polite"; ${rules} message: "${long.slice(1)}";`, []],
    [`mode: "silent"; ${rules} message: "${long}";`, []],
    [`mode: "polite"; peers: "p"; message: "${long}";`, []],
  ])('%#', (blocking, told) => {
    expect(warnings(`${limits}blocking: { ${blocking} };`)).toEqual(told);
  });
});
