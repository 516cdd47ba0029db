import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../run/free-port.ts';
import { missing, unless } from '../run/unless.ts';
import { startMailServer } from './mail-server.ts';

describe.each(['tcpsvd', 'tcpserver'] as const)('%s', (name) => {
  const plan = { options: [], command: ['true'], directory: '/' };

  test('that cannot have its port fails with its own words', unless(missing(name)), async () => {
    const port = await freePort();
    const other = createServer();
    onTestFinished(() => void other.close());
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const started = startMailServer(name, { ...plan, port });
    await expect(started).rejects.toThrow(`${name}: fatal: unable to bind`);
  });
});
