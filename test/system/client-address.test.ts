/**
 * ratecheck finds the client's address behind servers of every kind, and needs no option for that.
 * What each server passes is compared whole, so that one that changes is noticed, and ipthrottle(7)
 * has the same table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { page } from '../docs/manual-page.ts';
import {
  type AddressSource,
  addressSources,
  removePackages,
} from '../ratecheck/address-sources.ts';
import { builtRatecheck } from '../ratecheck/programs.ts';
import { reply, startScriptedRater } from '../ratecheck/scripted-rater.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { unless } from '../run/unless.ts';
import { connected } from './line-client.ts';
import { RunningProgram, until } from './running-program.ts';

afterAll(removePackages);

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

test('ipthrottle(7) has the table of these servers, in their order, and no other', () => {
  const [, rest = ''] = page('ipthrottle.7').lines.join('\n').split('.Ss What servers pass');
  const rows = rest.split('.El')[0]?.match(/(?<=^\.It ).* Ta (?:Ev .*|nothing)$/gm);
  const tested = addressSources.map(({ name, of, fromIPv4: { passes } }) => {
    const names = Object.keys(passes).filter((variable) => variable !== 'PROTO');
    return `${name} Ta ${of} Ta ${names.map((one) => `Ev ${one}`).join(' ') || 'nothing'}`;
  });
  expect(rows).toEqual(tested);
});
