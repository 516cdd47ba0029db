import { describe, expect, test } from 'vitest';
import { type Run, running } from '../../src/runtime/run-command.ts';

const never = new AbortController().signal;

function shell(script: string, change: Partial<Run> = {}): Run {
  const input = Buffer.from('told\n');
  return { command: '/bin/sh', args: ['-c', script], input, timeoutMs: 60_000, ...change };
}

describe.each([
  ['at once', async (run: Run) => running(run).now()],
  ['beside other things', (run: Run) => running(run).later(never)],
])('a program that is run %s', (_, end) => {
  test('gets its input and succeeds', async () => {
    expect(await end(shell('read word && test "$word" = told'))).toEqual({
      why: undefined,
      said: '',
      printed: '',
      isMissing: false,
    });
  });

  test('tells how it ended and what it said', async () => {
    const ended = await end(shell('echo 42; echo why >&2; exit 100'));
    expect(ended).toEqual({
      why: 'exit 100',
      said: 'why\n',
      printed: '42\n',
      isMissing: false,
    });
    expect((await end(shell('kill -9 $$'))).why).toBe('killed by SIGKILL');
    const absent = await end(shell('', { command: '/nonexistent/x' }));
    expect(absent.why).toContain('ENOENT');
    expect(absent.isMissing).toBe(true);
  });

  test('may leave its input unread', async () => {
    const input = Buffer.alloc(1_000_000, 'x');
    expect((await end(shell('exit 3', { input }))).why).toBe('exit 3');
  });

  test('is killed when its time is up, even if it resists', async () => {
    const stubborn = 'trap "" TERM; while :; do sleep 0.01; done';
    const { why } = await end(shell(stubborn, { timeoutMs: 200 }));
    expect(why).toBe('no end after 0.2 seconds');
  });
});

test('a program that is run beside other things is killed when it is given up', async () => {
  const abort = new AbortController();
  const ended = running(shell('while :; do sleep 0.01; done')).later(abort.signal);
  abort.abort();
  expect((await ended).why).toBeDefined();
});
