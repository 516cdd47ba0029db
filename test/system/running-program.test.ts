import { expect, onTestFinished, test, vi } from 'vitest';
import { RunningProgram } from './running-program.ts';

test('a program that is gone is not signalled: its number may be that of another one', async () => {
  const program = new RunningProgram({ command: ['true'], directory: '/' });
  await program.ends();
  const kill = vi.spyOn(process, 'kill');
  onTestFinished(() => kill.mockRestore());
  await program.end();
  program.signal('SIGKILL');
  expect(kill).not.toHaveBeenCalled();
});

test('what a program leaves behind in its group is ended with it', async () => {
  const left = 'sleep 1000 >/dev/null 2>&1 & echo $!';
  const program = new RunningProgram({ command: ['sh', '-c', left], directory: '/' });
  await program.ends();
  await program.end();
  expect(() => process.kill(Number(program.said), 0)).toThrow('ESRCH');
});
