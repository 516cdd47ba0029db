/**
 * What a refused client sees on a real TCP connection, and what a plugin's neighbours keep.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import type { ServerName } from '../system/mail-server.ts';
import { builtRatecheck, newDirectory, run } from './programs.ts';
import { startServer } from './real-server.ts';
import { reply, startScriptedRater } from './scripted-rater.ts';

const directory = newDirectory();
let ratecheck = '';
beforeAll(() => {
  ratecheck = builtRatecheck();
});
afterAll(() => directory.remove());

/** What a client that sends before it is greeted, and is refused, reads to the end. */
async function heardBySpeaker(server: ServerName): Promise<string> {
  // The daemon answers when the client has sent everything, so the bytes are there unread.
  let clientHasSent: () => void = () => undefined;
  const sent = new Promise<void>((resolve) => {
    clientHasSent = resolve;
  });
  const rater = await startScriptedRater(directory.path, (connection) => {
    void sent.then(() => connection.write('1 11/10 60\r\n'));
  });
  const check = [ratecheck, '-t', '60000', '-s', rater.socket, 'true'];
  const running = await startServer(server, check);
  try {
    const client = await running.connect();
    return await new Promise<string>((resolve, reject) => {
      let text = '';
      client.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
      });
      client.on('error', reject);
      client.on('end', () => resolve(text));
      client.write('EHLO client\r\n'.repeat(1000), () => clientHasSent());
    });
  } finally {
    await running.stop();
    await rater.close();
  }
}

for (const server of ['tcpsvd', 'tcpserver'] as const) {
  describe(`under ${server}`, unless(missing(server)), () => {
    test('a client that spoke first reads its 421 to the end, and no reset', async () => {
      // Node takes some resets for an end.
      for (let turn = 0; turn < 10; turn += 1) {
        expect(await heardBySpeaker(server)).toBe(
          '421 4.7.0 Too many connections from 127.0.0.1, try again in 60 seconds\r\n',
        );
      }
    });
  });
}

describe('a refusal that goes elsewhere than fd 0', () => {
  test('leaves the bytes on fd 0 to the next reader', async () => {
    const rater = await startScriptedRater(directory.path, reply('1 2/1\r\n'));
    const check = `${ratecheck} -t 60000 -s ${rater.socket} -m 421 -v x true`;
    const file = join(directory.path, 'said');
    // fd 0 is a socket here and fd 1 a file, as in a plugin that inherited the session's input.
    // The input is written before this thread can answer, so it is there when the refusal comes.
    const script = `${check} >${file}; cat`;
    const outcome = await run(['sh', '-c', script], { input: 'QUIT\r\n' });
    await rater.close();
    expect(outcome).toMatchObject({ stdout: 'QUIT\r\n', stderr: '' });
  });
});
