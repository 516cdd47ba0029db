import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { checkConfig } from '../../src/config/load-config.ts';
import { findLimit } from '../../src/core/limits.ts';
import { checked, directory } from './mistakes-in.ts';

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** The classes as `{ class: [[pattern, seconds, count], ...] }`. */
function limitsOf(config: Config | undefined): unknown {
  const classes = [...(config?.classes.values() ?? [])].map(({ name, limits }) => [
    name,
    limits.map(({ pattern, rates }) => [
      pattern.text,
      ...rates.flatMap((r) => [r.seconds, r.count]),
    ]),
  ]);
  return Object.fromEntries(classes);
}

const ip = [
  ['10.0.0.*', 90, 20],
  ['10.0.1.*', 90, 20],
  ['*', 10, 1],
];

describe('the samples of 2007', () => {
  test('the short one loads', () => {
    const { config, mistakes } = checkConfig(fixture('rater-2007-short.conf'));
    expect(mistakes).toEqual([]);
    const user = [
      ['rosario', 90, 20],
      ['ralsina', 90, 10],
      ['*', 2, 10],
    ];
    expect(limitsOf(config)).toEqual({ user, ip });
    expect(config?.settings.port).toBeUndefined();
  });

  test('the long one loads', () => {
    const { config, mistakes } = checkConfig(fixture('rater-2007-long.conf'));
    expect(mistakes).toEqual([]);
    const user = [
      ['rosario', 90, 20],
      ['ralsina', 90, 10],
      ['*', 30, 2],
    ];
    expect(limitsOf(config)).toEqual({ user, ip });
    expect(config?.settings).toMatchObject({
      address: '127.0.0.1',
      port: 1999,
      controlAddress: '127.0.0.1',
      controlPort: 4445,
      expirationTimer: 180,
      maxAge: 90,
      dbPath: ':memory:',
      log: undefined,
      logLevel: 4,
    });
    expect(config?.blocking.classes.size).toBe(0);
  });
});

test('without settings every one has its default', () => {
  const { config } = checked('limits: { ip: () }');
  expect(config).toMatchObject({
    file: `${directory}/c`,
    settings: {
      socket: '/run/ipthrottle/rater.sock',
      socketMode: 0o660,
      socketGroup: undefined,
      controlSocket: '/run/ipthrottle/control.sock',
      address: '127.0.0.1',
      port: undefined,
      controlAddress: '127.0.0.1',
      controlPort: undefined,
      dbPath: '/var/lib/ipthrottle/ipthrottle.db',
      log: undefined,
      logLevel: 3,
      logFormat: 'auto',
      maxAge: 90,
      expirationTimer: 180,
    },
    blocking: { classes: new Set(), seconds: 120, peers: undefined, tcprules: undefined },
    allow: [],
  });
});

test('every setting is read', () => {
  const { config, mistakes } = checked(`
    settings: { socket: "s/rater"; socket_mode: "0622"; socket_group: 8; control: "/c";
      address: "::1"; port: 25; control_address: "127.0.0.2"; control_port: 26;
      expiration_timer: 1; max_age: 2; db_path: "db"; log: "log"; log_level: 0; log_format: "json" }
    limits: { ip: ( ("*", (60, 10), (3600, 100)), ("192.0.2.0/24", 5, -1) ); user: (); net: () }
    blocking: { classes: ["ip", "net"]; time: 60; peers: "../peers"; peers_timeout: 30;
      tcprules: { source: "/etc/tcp.smtp", cdb: "cdb" } }
    allow: ("10.1.2.3/8", "::ffff:1.2.3.4")`);
  expect(mistakes).toEqual([]);
  expect(config?.settings).toEqual({
    socket: `${directory}/s/rater`,
    socketMode: 0o622,
    socketGroup: '8',
    controlSocket: '/c',
    address: '::1',
    port: 25,
    controlAddress: '127.0.0.2',
    controlPort: 26,
    expirationTimer: 1,
    maxAge: 2,
    dbPath: `${directory}/db`,
    log: `${directory}/log`,
    logLevel: 0,
    logFormat: 'json',
  });
  expect(limitsOf(config)).toEqual({
    ip: [
      ['*', 60, 10, 3600, 100],
      ['192.0.2.0/24', 5, -1],
    ],
    user: [],
    net: [],
  });
  expect([...(config?.classes.values() ?? [])].map((one) => one.addresses)).toEqual([
    true,
    false,
    true,
  ]);
  expect(config?.blocking).toEqual({
    classes: new Set(['ip', 'net']),
    seconds: 60,
    peers: { directory: `${directory.replace(/\/[^/]*$/, '')}/peers`, timeoutSeconds: 30 },
    tcprules: { source: '/etc/tcp.smtp', cdb: `${directory}/cdb` },
  });
  expect(config?.allow.map(({ text }) => text)).toEqual(['10.0.0.0/8', '1.2.3.4']);
});

describe('choices in writing', () => {
  const limits = 'limits: { ip: () }';
  test.each(['"0660"', '"660"', '660', '0660'])('socket_mode: %s is 0660', (mode) => {
    expect(
      checked(`settings: { socket_mode: ${mode} } ${limits}`).config?.settings.socketMode,
    ).toBe(0o660);
  });

  test('control stands beside socket', () => {
    const { config } = checked(`settings: { socket: "/a/b" } ${limits}`);
    expect(config?.settings.controlSocket).toBe('/a/control.sock');
  });

  test('blocking means class ip when it names none', () => {
    expect(checked(`blocking: { } ${limits}`).config?.blocking.classes).toEqual(new Set(['ip']));
  });

  test.each(['"ip"', '("ip")', '["ip"]'])('classes: %s', (classes) => {
    const { config } = checked(`blocking: { classes: ${classes} } ${limits}`);
    expect(config?.blocking.classes).toEqual(new Set(['ip']));
  });

  test('a glob is no network in a class of names', () => {
    const { config } = checked('limits: { user: ( ("a/b", 1, 1), ("10.0.0.0/8", 1, 1) ) }');
    const limit = findLimit(config?.classes.get('user')?.limits ?? [], '10.0.0.0/8', undefined);
    expect(limit?.pattern.text).toBe('10.0.0.0/8');
  });
});

describe('etc/rater.conf', () => {
  const sample = fileURLToPath(new URL('../../etc/rater.conf', import.meta.url));

  test('has no mistake', () => {
    const { config, mistakes } = checkConfig(sample);
    expect(mistakes).toEqual([]);
    expect(config?.blocking.classes).toEqual(new Set(['ip']));
  });
});
