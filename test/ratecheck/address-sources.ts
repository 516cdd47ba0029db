/**
 * The table of servers: how each is started, what it passes of the client's address, and what
 * ratecheck asks about. ipthrottle(7) has the same table, and test/system/client-address.test.ts
 * holds both to the real servers. What BusyBox, systemd and sslserver pass is also in exchanges.ts,
 * for machines that have none of them.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { debianPackages } from '../run/debian-packages.ts';
import { missing, notRoot } from '../run/unless.ts';

/** Where to listen, and the program to run for each connection. */
export type Place = {
  readonly address: string;
  readonly port: number;
  readonly program: string;
  /** For files of the server's own. */
  readonly directory: string;
};

/** Variables of the client's address, with PORT for its port, and the value that is asked about. */
type Passed = { readonly passes: Readonly<Record<string, string>>; readonly asks: string };

export type AddressSource = {
  readonly name: string;
  /** The package, in the version in which it was tested. */
  readonly of: string;
  /** Why it cannot be started here. */
  readonly reason: string | undefined;
  command(place: Place): readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly fromIPv4: Passed;
  /** Undefined when the server knows IPv4 only. */
  readonly fromIPv6?: Passed;
};

const packages = debianPackages(
  ...['ucspi-tcp-ipv6', 'xinetd', 'openbsd-inetd', 'inetutils-inetd', 'socat', 'ncat'],
);

const unpacked = { reason: packages.reason, environment: packages.environment };
/** Those that want to become the user of a service. */
const unpackedForRoot = { ...unpacked, reason: packages.reason ?? notRoot };

function program(path: string): string {
  return join(packages.root, path);
}

function withoutApplet(): string | undefined {
  const { stderr } = spawnSync('busybox', ['tcpsvd'], { encoding: 'latin1' });
  return /not found/.test(stderr) ? 'the installed busybox has no tcpsvd' : undefined;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function family(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function written(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}

function inetdLine({ address, port, program, directory }: Place): string {
  const words = [`${address}:${port}`, 'stream', `tcp${family(address)}`, 'nowait'];
  const line = [...words, userInfo().username, program, 'smtpd'].join(' ');
  return written(join(directory, 'inetd.conf'), `${line}\n`);
}

function xinetdFile({ address, port, program, directory }: Place): string {
  const service = {
    ...{ type: 'UNLISTED', socket_type: 'stream', protocol: 'tcp', wait: 'no' },
    ...{ bind: address, port, user: userInfo().username, server: program },
  };
  const lines = Object.entries(service).map(([name, value]) => `  ${name} = ${value}\n`);
  return written(join(directory, 'xinetd.conf'), `service smtpd\n{\n${lines.join('')}}\n`);
}

function socat(options: string): AddressSource['command'] {
  return ({ address, port, program: server }) => {
    const listen = `TCP${family(address)}-LISTEN:${port},bind=${bracketed(address)},reuseaddr`;
    return [program('usr/bin/socat'), `${listen},fork`, `EXEC:${server}${options}`];
  };
}

const nothing = {
  fromIPv4: { passes: {}, asks: '127.0.0.1' },
  fromIPv6: { passes: {}, asks: '::1' },
};
const bySocat = {
  fromIPv4: { passes: { SOCAT_PEERADDR: '127.0.0.1' }, asks: '127.0.0.1' },
  fromIPv6: {
    passes: { SOCAT_PEERADDR: '[0000:0000:0000:0000:0000:0000:0000:0001]' },
    asks: '0000:0000:0000:0000:0000:0000:0000:0001',
  },
};

export const addressSources: readonly AddressSource[] = [
  {
    name: 'tcpsvd',
    of: 'ipsvd 1.0.0-5',
    reason: missing('tcpsvd'),
    command: ({ address, port, program }) => ['tcpsvd', '-l', 'x', address, `${port}`, program],
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEIP: '127.0.0.1' }, asks: '127.0.0.1' },
  },
  {
    name: 'tcpsvd -E',
    of: 'ipsvd 1.0.0-5',
    reason: missing('tcpsvd'),
    command: ({ address, port, program }) => [
      ...['tcpsvd', '-E', '-l', 'x', address, `${port}`, program],
    ],
    fromIPv4: nothing.fromIPv4,
  },
  {
    name: 'tcpserver',
    of: 'ucspi-tcp 1:0.88-7',
    reason: missing('tcpserver'),
    command: ({ address, port, program }) => [
      ...['tcpserver', '-R', '-H', '-l', 'x', address, `${port}`, program],
    ],
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEIP: '127.0.0.1' }, asks: '127.0.0.1' },
  },
  {
    name: 'tcpserver',
    of: 'ucspi-tcp-ipv6 1:0.88-7',
    ...unpacked,
    command: ({ port, program: server }) => [
      ...[program('usr/bin/tcpserver'), '-R', '-H', '-l', 'x', '0', `${port}`, server],
    ],
    fromIPv4: {
      passes: { PROTO: 'TCP', TCPREMOTEIP: '127.0.0.1', TCP6REMOTEIP: '::ffff:127.0.0.1' },
      asks: '127.0.0.1',
    },
    fromIPv6: { passes: { PROTO: 'TCP6', TCPREMOTEIP: '::1', TCP6REMOTEIP: '::1' }, asks: '::1' },
  },
  {
    name: 'tcpserver -6',
    of: 'ucspi-tcp-ipv6 1:0.88-7',
    ...unpacked,
    command: ({ port, program: server }) => [
      ...[program('usr/bin/tcpserver'), '-6', '-R', '-H', '-l', 'x', '0', `${port}`, server],
    ],
    fromIPv4: {
      passes: {
        ...{ PROTO: 'TCP6', TCPREMOTEIP: '::ffff:127.0.0.1', TCP6REMOTEIP: '::ffff:127.0.0.1' },
      },
      asks: '::ffff:127.0.0.1',
    },
    fromIPv6: { passes: { PROTO: 'TCP6', TCPREMOTEIP: '::1', TCP6REMOTEIP: '::1' }, asks: '::1' },
  },
  {
    name: 's6-tcpserver',
    of: 's6-networking 2.8.0.1',
    reason: missing('s6-tcpserver'),
    command: ({ address, port, program }) => ['s6-tcpserver', address, `${port}`, program],
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEIP: '127.0.0.1' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { PROTO: 'TCP', TCPREMOTEIP: '::1' }, asks: '::1' },
  },
  {
    name: 'tcpsvd -i -x -t',
    of: 'BusyBox 1.37',
    reason: missing('busybox') ?? withoutApplet(),
    command: ({ address, port, program }) => [
      ...['busybox', 'tcpsvd', '-i', '/nonexistent', '-x', '/nonexistent', '-t', '1'],
      ...[address, `${port}`, program],
    ],
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEADDR: '127.0.0.1:PORT' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { PROTO: 'TCP', TCPREMOTEADDR: '[::1]:PORT' }, asks: '::1' },
  },
  {
    name: 'tcpsvd -C',
    of: 'BusyBox 1.37',
    reason: missing('busybox') ?? withoutApplet(),
    command: ({ address, port, program }) => [
      ...['busybox', 'tcpsvd', '-C', '9', address, `${port}`, program],
    ],
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEADDR: '127.0.0.1' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { PROTO: 'TCP', TCPREMOTEADDR: '::1' }, asks: '::1' },
  },
  {
    name: 'systemd-socket-activate',
    of: 'systemd 252.38',
    reason: missing('systemd-socket-activate'),
    command: ({ address, port, program }) => [
      ...['systemd-socket-activate', '-l', `${bracketed(address)}:${port}`],
      ...['--accept', '--inetd', program],
    ],
    ...nothing,
  },
  {
    name: 'xinetd',
    of: 'xinetd 2.3.15.3-1',
    ...unpackedForRoot,
    command: (place) => [
      ...[program('usr/sbin/xinetd'), '-dontfork', '-f', xinetdFile(place)],
      ...['-pidfile', join(place.directory, 'xinetd.pid')],
      ...['-filelog', join(place.directory, 'xinetd.log')],
    ],
    fromIPv4: { passes: { REMOTE_HOST: '127.0.0.1' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { REMOTE_HOST: '::1' }, asks: '::1' },
  },
  {
    name: 'inetd',
    of: 'openbsd-inetd 0.20221205',
    ...unpackedForRoot,
    command: (place) => [program('usr/sbin/inetd'), '-i', inetdLine(place)],
    ...nothing,
  },
  {
    name: 'inetd',
    of: 'inetutils 2.4-2',
    ...unpackedForRoot,
    command: (place) => inetutilsInetd(place),
    ...nothing,
  },
  {
    name: 'inetd --environment',
    of: 'inetutils 2.4-2',
    ...unpackedForRoot,
    command: (place) => inetutilsInetd(place, '--environment'),
    fromIPv4: { passes: { PROTO: 'TCP', TCPREMOTEIP: '127.0.0.1' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { PROTO: 'TCP', TCPREMOTEIP: '::1' }, asks: '::1' },
  },
  { name: 'socat EXEC', of: 'socat 1.7.4.4-2', ...unpacked, command: socat(''), ...bySocat },
  {
    name: 'socat EXEC,nofork',
    of: 'socat 1.7.4.4-2',
    ...unpacked,
    command: socat(',nofork'),
    ...bySocat,
  },
  {
    name: 'ncat --exec',
    of: 'ncat 7.93',
    ...unpacked,
    command: ({ address, port, program: server }) => [
      ...[program('usr/bin/ncat'), '-l', address, `${port}`, '--exec', server],
    ],
    fromIPv4: { passes: { NCAT_REMOTE_ADDR: '127.0.0.1' }, asks: '127.0.0.1' },
    fromIPv6: { passes: { NCAT_REMOTE_ADDR: '::1' }, asks: '::1' },
  },
];

function inetutilsInetd(place: Place, ...options: string[]): string[] {
  const pidFile = `--pidfile=${join(place.directory, 'inetd.pid')}`;
  return [
    ...[program('usr/sbin/inetutils-inetd'), '--debug', pidFile],
    ...[...options, inetdLine(place)],
  ];
}
