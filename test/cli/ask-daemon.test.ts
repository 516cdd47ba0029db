/**
 * What is on the operator's socket may be something else: its answers are trouble and no bug, and they
 * never mean that no rater is running.
 *
 * Tests: src/cli/top/run-top.ts
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askDaemon } from '../../src/cli/ask-daemon.ts';
import { runTop } from '../../src/cli/top/run-top.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

const call = { command: 'list', arguments: [], options: {} };

/** The path of a socket on which every call is answered so. */
async function answering(answer: string): Promise<string> {
  const path = join(temporaryDirectory(), 'socket');
  const server = createServer((socket) => socket.end(answer));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

async function asked(answer: string) {
  return askDaemon(await answering(answer), call);
}

test.each([
  'null',
  '5',
  '[]',
  '{"a":1}',
  '{"exit":"0","lines":[]}',
  '{"exit":0,"lines":"x"}',
  '{"exit":0,"lines":[null]}',
  '{"exit":0,"lines":[{"rows":1}]}',
])('%s is none of its answers', async (answer) => {
  await expect(asked(`${answer}\n`)).rejects.toThrow(
    /does not answer: .*: its answer is none of rater/,
  );
});

test('all kinds of lines are', async () => {
  const lines = ['x', ['at ', { ms: 0 }], { pieces: ['a'] }, { columns: [], rows: [], footer: '' }];
  expect(await asked(JSON.stringify({ exit: 1, lines }))).toEqual({ exit: 1, lines });
});

test.each(['x', '5', '{}', '{"rates":[],"values":[]}'])('%s is no screen of top', async (text) => {
  const control = await answering(JSON.stringify({ exit: 0, lines: [text] }));
  const file = join(temporaryDirectory(), 'rater.conf');
  const settings = `settings : { control: "${control}"; };`;
  writeFileSync(file, `${settings} limits : { ip: ( ("*", 60, 10) ); };`);
  await expect(runTop(file, { json: true, frames: '1' })).rejects.toThrow('of another version');
});
