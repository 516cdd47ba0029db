/** The operator's shell: how long it waits for idle clients by TCP, and lines that are not text. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { CommandContext } from '../../../src/commands/command.ts';
import { ConnectionLimit } from '../../../src/daemon/listeners/connection-limit.ts';
import { Connections } from '../../../src/daemon/listeners/connections.ts';
import { controlListener } from '../../../src/daemon/listeners/control-listener.ts';
import { placesOf } from '../../../src/enforcers/kinds.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { configFrom, gatekeeperSite, plainConfig } from '../../gatekeeper/site.ts';

/** Enough for a reply, even when this process stands still for a while. */
const idleMs = 3000;

async function listening(isTcp: boolean) {
  const { gatekeeper } = gatekeeperSite();
  const quiet = () => {};
  const config = configFrom(plainConfig);
  const context: CommandContext = {
    config,
    gatekeeper,
    places: placesOf(config.blocking),
    clock: systemClock,
    daemon: undefined,
    downtime: undefined,
  };
  const parts = {
    context: () => context,
    connections: new Connections(),
    limit: new ConnectionLimit(10, quiet),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    clock: systemClock,
    isTcp,
  };
  const server = controlListener(parts, idleMs).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  return client;
}

test('an idle client by TCP is closed in the end, one at the socket is not', async () => {
  const operator = await listening(false);
  const anybody = await listening(true);
  anybody.write('list\n');
  expect(String((await once(anybody, 'data'))[0])).toMatch(/^ADDRESS .*Ok\r\n$/s);
  await once(anybody.resume(), 'close');
  operator.write('list\n');
  expect(String((await once(operator, 'data'))[0])).toMatch(/^ADDRESS .*Ok\n$/s);
});

test('a line that is not UTF-8 is answered by the kind that its first byte tells, whatever came before', async () => {
  const client = await listening(false);
  const saying = (text: string) => Buffer.from(text, 'latin1');
  const answers: string[] = [];
  for (const line of ['{"command":"nix"}\n', 'list \xff\n', '{"\xff"}\n', 'list\n']) {
    client.write(saying(line));
    answers.push(String((await once(client, 'data'))[0]));
  }
  expect(answers).toEqual([
    expect.stringMatching(/^\{"exit":100,.*\}\n$/),
    'error: wrong usage: a line is not UTF-8\nOk\n',
    expect.stringMatching(/^\{"exit":100,.*\}\n$/),
    expect.stringMatching(/Ok\n$/),
  ]);
});
