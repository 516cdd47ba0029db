import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { children } from '../../src/daemon/children.ts';

function listed(pid: number | undefined) {
  return children().filter((child) => child.pid === pid);
}

test('a child is listed with its command for as long as it lives', async () => {
  const child = spawn('cat', ['-', 'with ) a bracket'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  expect(listed(child.pid)).toMatchObject([{ pid: child.pid, command: 'cat - with ) a bracket' }]);
  const [{ forMs } = { forMs: -1 }] = listed(child.pid);
  expect(forMs).toBeGreaterThanOrEqual(0);
  expect(forMs).toBeLessThan(60_000);
  child.stdin.end();
  await once(child, 'exit');
  expect(listed(child.pid)).toEqual([]);
});

test('a grandchild is not listed', async () => {
  const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(child.stdout, 'data');
  expect(listed(Number(String(line)))).toEqual([]);
  expect(listed(child.pid)).toHaveLength(1);
  process.kill(Number(String(line)));
  await once(child, 'exit');
});
