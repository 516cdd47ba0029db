/**
 * ratecheck finds the client's address behind servers of every kind, and needs no option for that.
 * What each server passes is compared whole, so that one that changes is noticed, and ipthrottle(7)
 * has the same table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { page } from '../docs/manual-page.ts';
import { wordsFrom } from '../enforcers/words-from.ts';
import { type AddressSource, addressSources } from '../ratecheck/address-sources.ts';
import { builtRatecheck } from '../ratecheck/programs.ts';
import { reply, startScriptedRater } from '../ratecheck/scripted-rater.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { connected } from './line-client.ts';
import { startRater } from './real-rater.ts';
import { RunningProgram, until } from './running-program.ts';

const ratecheck = builtRatecheck();
const interfaces = Object.values(networkInterfaces()).flat();
const noIPv6 = interfaces.some((one) => one?.address === '::1') ? undefined : 'no ::1 here';

/** The variables that ratecheck looks at, and their values. */
function passedIn(environment: string): Record<string, string> {
  const known =
    /^(PROTO|(?:TCP6?|SSL)REMOTEIP|TCPREMOTEADDR|REMOTE_\w+|\w+_ADDR|\w+_PEERADDR)=(.*)$/;
  const found = environment.split('\n').flatMap((line) => {
    const [, name, value = ''] = known.exec(line) ?? [];
    return name === undefined || name.includes('LOCAL') ? [] : [[name, value] as const];
  });
  return Object.fromEntries(
    found.map(([name, value]) => [name, value.replace(/^([\d.]+|\[.*\]):\d+$/, '$1:PORT')]),
  );
}

/** What a client at `address` makes a server pass, and ratecheck ask. */
async function outcomeUnder({ command, environment }: AddressSource, address: string) {
  const directory = temporaryDirectory();
  const rater = await startScriptedRater(directory, reply('0 1/2\r\n'));
  onTestFinished(() => rater.close());
  const program = join(directory, 'smtpd');
  const received = join(directory, 'received');
  const check = `exec ${ratecheck} -s ${rater.socket} -t 60000 /bin/true`;
  writeFileSync(program, `#!/bin/sh\n/usr/bin/env >${received}\n${check}\n`, { mode: 0o755 });

  const port = await freePort();
  const place = { address, port, program, directory };
  const server = new RunningProgram({ command: command(place), directory, environment });
  onTestFinished(() => server.end());
  let client: Socket | undefined;
  const isConnected = async () => {
    client = await connected({ host: address, port }).catch(() => undefined);
    if (!client && !server.isRunning) throw new Error(`ended: ${server.said}`);
    return client !== undefined;
  };
  await until(() => `a connection, it said ${server.said}`, isConnected);
  await until(
    () => `a request, it said ${server.said}`,
    () => rater.requests.length > 0,
  );
  client?.destroy();
  return { passes: passedIn(readFileSync(received, 'latin1')), asked: rater.requests };
}

describe.each(addressSources)('under $name of $of', (source) => {
  const { fromIPv4, fromIPv6 } = source;

  test('a client by IPv4', unless(source.reason), async () => {
    const { passes, asks } = fromIPv4;
    expect(await outcomeUnder(source, '127.0.0.1')).toEqual({ passes, asked: [`ip ${asks}`] });
  });

  if (fromIPv6) {
    test('a client by IPv6', unless(source.reason ?? noIPv6), async () => {
      const { passes, asks } = fromIPv6;
      expect(await outcomeUnder(source, '::1')).toEqual({ passes, asked: [`ip ${asks}`] });
    });
  }
});

test(
  'clients of a server that passes nothing are limited, and told so',
  unless(missing('systemd-socket-activate')),
  async () => {
    const directory = temporaryDirectory();
    const rater = await startRater(directory, 'limits: { ip: ( ("*", 600, 3) ); };');
    const port = await freePort();
    const check = [ratecheck, '-s', rater.socket, '-t', '60000', '/bin/echo', 'served'];
    const listen = ['systemd-socket-activate', '-l', `127.0.0.1:${port}`, '--accept', '--inetd'];
    const server = new RunningProgram({ command: [...listen, ...check], directory });
    onTestFinished(() => server.end());
    await server.says(/Listening on /);
    const said: string[] = [];
    for (let round = 0; round < 5; round += 1) said.push(await wordsFrom('127.0.0.1', port));
    const refused = /^421 4\.7\.0 Too many connections from 127\.0\.0\.1, try again /;
    expect(said.slice(0, 3)).toEqual(['served\n', 'served\n', 'served\n']);
    for (const words of said.slice(3)) expect(words).toMatch(refused);
    expect(await wordsFrom('127.0.0.2', port)).toBe('served\n');
  },
);

test('ipthrottle(7) has the table of these servers, in their order, and no other', () => {
  const [, rest = ''] = page('ipthrottle.7').lines.join('\n').split('.Ss What servers pass');
  const rows = rest.split('.El')[0]?.match(/(?<=^\.It ).* Ta (?:Ev .*|nothing)$/gm);
  const tested = addressSources.map(({ name, of, fromIPv4: { passes } }) => {
    const names = Object.keys(passes).filter((variable) => variable !== 'PROTO');
    return `${name} Ta ${of} Ta ${names.map((one) => `Ev ${one}`).join(' ') || 'nothing'}`;
  });
  expect(rows).toEqual(tested);
});
