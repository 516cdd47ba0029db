import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Overload } from '../../src/config/config.ts';
import { judgeOverload, messagesIn, updateOverload } from '../../src/overload/overload.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

function rule(changes: Partial<Overload> = {}): Overload {
  return {
    file: '/nonexistent/overloaded',
    command: ['echo', '0'],
    above: 100,
    below: 80,
    loadAbove: undefined,
    loadBelow: undefined,
    everySeconds: 0,
    ...changes,
  };
}

describe('messagesIn', () => {
  test.each([
    // As qmail-qstat prints it: the second number counts.
    ['messages in queue: 260\nmessages in queue but not yet preprocessed: 12\n', 12],
    ['messages in queue: 0\nmessages in queue but not yet preprocessed: 0\n', 0],
    ['messages in queue: 9\nmessages in queue but not yet preprocessed:    7\n', 7],
    ['130\n', 130],
    ['   42 /var/spool/queue\n', 42],
    ['messages in queue: 9\nmessages in queue but not yet preprocessed: \n', undefined],
    ['queue is empty\n', undefined],
    ['', undefined],
  ])('%j is %s', (output, messages) => {
    expect(messagesIn(output)).toBe(messages);
  });
});

describe('judgeOverload', () => {
  const load = rule({ loadAbove: 8, loadBelow: 4 });
  test.each([
    ['far below', rule(), false, 0, 0, false],
    ['at the upper threshold it has not begun', rule(), false, 100, 0, false],
    ['above it, it begins', rule(), false, 101, 0, true],
    ['between both it goes on', rule(), true, 90, 0, true],
    ['between both it does not begin', rule(), false, 90, 0, false],
    ['at the lower threshold it goes on', rule(), true, 80, 0, true],
    ['below it, it ends', rule(), true, 79, 0, false],
    ['above the upper threshold it goes on', rule(), true, 1000, 0, true],
    ['without a threshold the load does not count', rule(), false, 0, 99, false],
    ['nor does it keep the overload on', rule(), true, 0, 99, false],
    ['the load alone begins it', load, false, 0, 8.01, true],
    ['at its threshold it has not begun', load, false, 0, 8, false],
    ['the load alone keeps it on', load, true, 0, 4, true],
    ['both must be low for it to end', load, true, 79, 3.99, false],
    ['a long queue keeps it on', load, true, 80, 0, true],
    ['the same thresholds leave no gap', rule({ above: 5, below: 5 }), true, 5, 0, true],
    ['and one message fewer ends it', rule({ above: 5, below: 5 }), true, 4, 0, false],
  ] as const)('%s', (_, given, wasOn, messages, average, isOn) => {
    expect(judgeOverload(given, wasOn, { messages, load: average })).toBe(isOn);
  });
});

describe('updateOverload', () => {
  const on = ['echo', 'messages in queue but not yet preprocessed: 101'];
  const off = ['echo', 'messages in queue but not yet preprocessed: 3'];

  test('sets and clears the file, once each', async () => {
    const file = join(temporaryDirectory(), 'overloaded');
    const look = async (command: readonly string[]) => {
      const { isOn, hasChanged, pressure } = await updateOverload(rule({ file, command }));
      return { isOn, hasChanged, messages: pressure.messages, isThere: existsSync(file) };
    };
    expect(await look(off)).toEqual({
      isOn: false,
      hasChanged: false,
      messages: 3,
      isThere: false,
    });
    expect(await look(on)).toEqual({ isOn: true, hasChanged: true, messages: 101, isThere: true });
    expect(await look(on)).toEqual({ isOn: true, hasChanged: false, messages: 101, isThere: true });
    expect(await look(off)).toEqual({ isOn: false, hasChanged: true, messages: 3, isThere: false });
  });

  test.each([
    ['a missing command', ['/nonexistent/qmail-qstat'], 'ENOENT'],
    ['a command that fails', ['sh', '-c', 'echo 5; exit 1'], 'Command failed'],
    ['a command without a number', ['echo', 'nothing'], 'prints no number'],
    ['no command', [], 'empty'],
  ])('%s changes nothing', async (_, command, words) => {
    const file = join(temporaryDirectory(), 'overloaded');
    writeFileSync(file, '');
    const looking = updateOverload(rule({ file, command }));
    await expect(looking).rejects.toMatchObject({ name: 'Fault', code: 'overload' });
    await expect(looking).rejects.toThrow(words);
    expect(existsSync(file)).toBe(true);
  });

  test('a command that does not end is killed, even when it ignores signals', async () => {
    const command = ['sh', '-c', 'trap "" TERM; sleep 300 | cat; sleep 300'];
    const looking = updateOverload(rule({ command }), 200);
    await expect(looking).rejects.toThrow('no end after 0.2 seconds');
  });

  test('a command that reads its input finds it empty', async () => {
    const file = join(temporaryDirectory(), 'overloaded');
    const { pressure } = await updateOverload(rule({ file, command: ['wc', '-c'] }));
    expect(pressure.messages).toBe(0);
  });

  test('Guarantee: only an empty file is ever removed and nothing is written into one', async () => {
    const file = join(temporaryDirectory(), 'overloaded');
    writeFileSync(file, 'maintenance until noon\n');
    await expect(updateOverload(rule({ file, command: off }))).rejects.toThrow('not empty');
    expect(await updateOverload(rule({ file, command: on }))).toMatchObject({ isOn: true });
    expect(readFileSync(file, 'utf8')).toBe('maintenance until noon\n');
  });

  test('Guarantee: no link is followed to make the file', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'overloaded');
    symlinkSync(join(directory, 'elsewhere'), file);
    await expect(updateOverload(rule({ file, command: on }))).rejects.toThrow('ELOOP');
    expect(existsSync(join(directory, 'elsewhere'))).toBe(false);
  });

  test('a missing directory is a fault', async () => {
    await expect(updateOverload(rule({ command: on }))).rejects.toThrow('ENOENT');
  });
});
