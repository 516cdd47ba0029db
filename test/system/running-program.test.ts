import { expect, onTestFinished, test, vi } from 'vitest';
import { RunningProgram } from './running-program.ts';

test('a program that is gone is not signalled, because its number may be in use again', async () => {
  const program = new RunningProgram({ command: ['true'], directory: '/' });
  await program.ends();
  const kill = vi.spyOn(process, 'kill');
  onTestFinished(() => kill.mockRestore());
  await program.end();
  program.signal('SIGKILL');
  expect(kill).not.toHaveBeenCalled();
});

test('processes that a program leaves in its group are ended with it', async () => {
  const left = 'sleep 1000 >/dev/null 2>&1 & echo $!';
  const program = new RunningProgram({ command: ['sh', '-c', left], directory: '/' });
  await program.ends();
  await program.end();
  expect(() => process.kill(Number(program.said), 0)).toThrow('ESRCH');
});
