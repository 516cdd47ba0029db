import { describe, expect, test } from 'vitest';
import { commands, shellCommands } from '../../../src/commands/commands.ts';
import { usageOf } from '../../../src/commands/help.ts';
import { parseLine } from '../../../src/daemon/listeners/parse-line.ts';

function parsed(line: string) {
  return parseLine(line, shellCommands);
}

test('a line is a command, its arguments and its options, in any order', () => {
  expect(parsed('block --for 2h 192.0.2.1 --reason "spam run" 192.0.2.2')).toEqual({
    command: 'block',
    arguments: ['192.0.2.1', '192.0.2.2'],
    options: { for: '2h', reason: 'spam run' },
  });
  expect(parsed('list --json')).toEqual({
    command: 'list',
    arguments: [],
    options: { json: true },
  });
});

test('an empty line is not a command', () => {
  expect(parsed(' ')).toBeUndefined();
});

test('words after -- are not options', () => {
  expect(parsed('var x -- -1')?.arguments).toEqual(['x', '-1']);
});

test('options have the names that commander gives them', () => {
  const command = {
    ...shellCommands[0],
    name: 'x',
    options: [{ flags: '--load-above <n>', summary: '' }],
  };
  expect(parseLine('x --load-above 3', [command as (typeof shellCommands)[0]])?.options).toEqual({
    loadAbove: '3',
  });
});

test.each([
  ['nonsense', /no such command: nonsense; try help/],
  ['constructor', /no such command/],
  ['"\u001b[31m"', /no such command: "\\u001b\[31m"/],
  ['list --nonsense', /--nonsense/],
  ['list --json=1', /--json/],
  ['block --for', /--for/],
  ['list "', /a quote is not closed/],
])('%j is wrong usage', (line, why) => {
  expect(() => parsed(line)).toThrow(why);
});

describe.each(commands)('$name', (command) => {
  test('takes every option of the table', () => {
    for (const { flags } of command.options) {
      const [, name = '', value] = /^--([\w-]+)( <)?/.exec(flags) ?? [];
      const line = `${command.name} --${name}${value ? ' x' : ''}`;
      expect(Object.values(parsed(line)?.options ?? {})).toEqual([value ? 'x' : true]);
    }
  });

  test('shows its usage', () => {
    expect(usageOf(command).startsWith(command.name)).toBe(true);
    for (const { flags } of command.options) expect(usageOf(command)).toContain(`[${flags}]`);
  });
});
