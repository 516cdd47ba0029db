/**
 * Whatever stands behind an option or as an argument, as an unset variable of a shell leaves it or
 * a typing error: a command does what it says or tells of wrong usage, and is never a bug.
 *
 * Tests: src/commands/commands.ts
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command, CommandOptions } from '../../src/commands/command.ts';
import { shellCommands } from '../../src/commands/commands.ts';
import { exitCodes } from '../../src/runtime/errors.ts';
import { commandSite } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };`;
const { done, refused, operator, later } = exitCodes;
const foreseen = [done, refused, operator, later].map(({ code }) => code);

const word = fc.oneof(
  fc.constantFrom('', ' ', '1M', '1.5h', '-1', '192.0.2.1', '192.0.2.0/24', 'add', 'list', 'del'),
  fc.constantFrom('toString', '__proto__', '\0', '\u001b[2J', '/', 'level', 'file', 'reopen'),
  fc.string({ unit: 'binary' }),
);

/** Every option, or none: one that takes a value with any. */
function optionsOf(command: Command): fc.Arbitrary<CommandOptions> {
  const rows = command.options.map(({ flags }) => {
    const [, name = '', value] = /--([\w-]+)( [<[])?/.exec(flags) ?? [];
    const given: fc.Arbitrary<string | boolean> = value ? word : fc.constant(true);
    return [name, fc.option(given, { nil: undefined })] as const;
  });
  return fc.record(Object.fromEntries(rows));
}

// Those that need the daemon take no option with a value.
const those = shellCommands.filter(({ needsDaemon }) => !needsDaemon);

test.each(those)('$name with anything', async (command) => {
  const { runOffline } = commandSite(config);
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { maxLength: 3 }),
      optionsOf(command),
      async (args, options) => {
        const [exit] = await runOffline([command.name, ...args], options);
        expect(foreseen).toContain(exit);
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ['block 192.0.2.1', 'for'],
  ['allow add 192.0.2.1', 'for'],
  ['unblock 192.0.2.1', 'grace'],
])('%s with an empty --%s is wrong usage and changes nothing', async (line, option) => {
  const { run, gatekeeper } = commandSite(config);
  const [exit, said] = await run(line, { [option]: '' });
  expect({ exit, said }).toEqual({
    exit: operator.code,
    said: expect.stringContaining('wrong usage: not a time between 1s and 366d: ""; '),
  });
  expect([gatekeeper.blocks.size, gatekeeper.allowlist.entries()]).toEqual([0, []]);
});
