/** A short `npm run soak`. For a long one run it by hand: `npm run soak -- --minutes 60`. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('clients.sh', import.meta.url));

test('gibberish and valid input from clients of every kind find no fault, under attack', async () => {
  const { exit, said } = await new Promise<{ exit: number | null; said: string }>((resolve) => {
    const child = execFile(
      'sh',
      [script, '--seconds', '15', '--seed', '1', '--attackers', '500'],
      (_, stdout, stderr) => {
        resolve({ exit: child.exitCode, said: stdout + stderr });
      },
    );
  });
  expect({ exit, said }).toEqual({ exit: 0, said: expect.stringMatching(/\nfindings: 0\n$/) });
  for (const kind of [
    'checks',
    'tcp',
    'gibberish',
    'resets',
    'deaf',
    'sessions',
    'control',
    'ratecheck',
  ]) {
    expect(said).toMatch(new RegExp(`\\b${kind} \\d`));
  }
  const [, lines, replies] = /^lines: (\d+),.*\nreplies: (\d+)$/m.exec(said) ?? [];
  expect(Number(replies)).toBe(Number(lines));
  expect(Number(lines)).toBeGreaterThan(1000);
});
