/** Tests: src/config/schema.ts */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { checkConfig } from '../../src/config/load-config.ts';
import { plainClass } from '../../src/config/read-limits.ts';
import { checked, directory } from './mistakes-in.ts';

const year = 31_536_000;

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
    expect(config?.warnings).toEqual([]);
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
      tcpTrusted: false,
      controlAddress: '127.0.0.1',
      controlPort: undefined,
      controlRemote: false,
      dbPath: '/var/lib/ipthrottle/ipthrottle.db',
      log: undefined,
      logLevel: 3,
      logFormat: 'auto',
      maxAge: 90,
      expirationTimer: 180,
      maxValues: 1_000_000,
      maxConnections: 5000,
      backlog: 4096,
      maxBlocks: 1_000_000,
      maxHistory: 1_000_000,
    },
    blocking: {
      classes: new Set(),
      penalty: { steps: [120], factor: 1, capSeconds: year, decaySeconds: 0, jitter: 0 },
      mode: 'silent',
      message: 'Too many connections, try again later',
      peers: undefined,
      tcprules: undefined,
    },
    overload: {
      file: '/var/qmail/control/overloaded',
      command: ['/var/qmail/bin/qmail-qstat'],
      above: 100,
      below: 80,
      loadAbove: undefined,
      loadBelow: undefined,
      everySeconds: 0,
    },
    allow: [],
  });
});

test('every setting is read', () => {
  const { config, mistakes } = checked(`
    settings: { socket: "s/rater"; socket_mode: "0622"; socket_group: 8; control: "/c";
      address: "::1"; port: 25; tcp_trusted: true; control_address: "127.0.0.2"; control_port: 26; control_remote: true;
      expiration_timer: 1; max_age: 2; max_values: 3; max_connections: 4; backlog: 7; max_blocks: 5; max_history: 6; history: 9; history_days: 8; db_path: "db"; log: "log"; log_level: 0; log_format: "json" }
    limits: { ip: ( ("*", (60, 10), (3600, 100)), ("192.0.2.0/24", 5, -1) ); user: (); net: () }
    classes: { ip: { also: "net" }; user: { fold: true };
      net: { prefix4: 24; prefix6: 48; also: ("ip"); concurrent: 0; dry_run: true; overload: true } }
    blocking: { classes: ["ip", "net"]; time: (60, 600, 600); factor: 1.5; cap: 9000; decay: 3600;
      jitter: 25; mode: "polite"; message: "Later."; peers: "../peers"; peers_timeout: 30;
      peers_cdb: "p.cdb"; tcprules: { source: "/etc/tcp.smtp", cdb: "cdb" } }
    overload: { file: "on"; command: ("qstat", "-x"); above: 10; below: 10; load_above: 7.5;
      load_below: 5; every: 60 }
    allow: ("10.1.2.3/8", "::ffff:1.2.3.4")`);
  expect(mistakes).toEqual([]);
  expect(config?.settings).toEqual({
    socket: `${directory}/s/rater`,
    socketMode: 0o622,
    socketGroup: '8',
    controlSocket: '/c',
    address: '::1',
    port: 25,
    tcpTrusted: true,
    controlAddress: '127.0.0.2',
    controlPort: 26,
    controlRemote: true,
    expirationTimer: 1,
    maxAge: 2,
    maxValues: 3,
    maxConnections: 4,
    backlog: 7,
    maxBlocks: 5,
    maxHistory: 6,
    history: 9,
    historyDays: 8,
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
    penalty: {
      steps: [60, 600, 600],
      factor: 1.5,
      capSeconds: 9000,
      decaySeconds: 3600,
      jitter: 0.25,
    },
    mode: 'polite',
    message: 'Later.',
    peers: {
      directory: `${directory.replace(/\/[^/]*$/, '')}/peers`,
      timeoutSeconds: 30,
      cdb: `${directory}/p.cdb`,
    },
    tcprules: { source: '/etc/tcp.smtp', cdb: `${directory}/cdb` },
  });
  expect(config?.classes.get('ip')).toMatchObject({ ...plainClass, also: ['net'] });
  expect(config?.classes.get('user')).toMatchObject({ ...plainClass, fold: true });
  expect(config?.classes.get('net')).toMatchObject({
    prefix4: 24,
    prefix6: 48,
    also: ['ip'],
    concurrent: 0,
    dryRun: true,
    overload: true,
  });
  expect(config?.overload).toEqual({
    file: `${directory}/on`,
    command: ['qstat', '-x'],
    above: 10,
    below: 10,
    loadAbove: 7.5,
    loadBelow: 5,
    everySeconds: 60,
  });
  expect(config?.allow.map(({ text }) => text)).toEqual(['10.0.0.0/8', '1.2.3.4']);
});

describe('etc/rater.conf', () => {
  const sample = fileURLToPath(new URL('../../etc/rater.conf', import.meta.url));

  test('has no mistake', () => {
    const { config, mistakes } = checkConfig(sample);
    expect(mistakes).toEqual([]);
    expect(config?.warnings).toEqual([]);
    expect(config?.blocking.classes).toEqual(new Set(['ip']));
  });
});
