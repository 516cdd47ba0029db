/**
 * The program `ipthrottle`: the operator's command. It has the daemon do the work, or does it
 * itself when the daemon is down.
 */
import { CommanderError, Command as Program } from 'commander';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { noSuchCommand } from '../commands/help.ts';
import { errnoOf, exitCodes, Fault, reasonOf } from '../runtime/errors.ts';
import { leaveWith, usageLine, version } from '../runtime/program.ts';
import type { CliCommand } from './cli-command.ts';
import { cliCommands } from './cli-commands.ts';
import { showOutcome } from './show-outcome.ts';

const defaultConfig = '/etc/ipthrottle/rater.conf';

function register(program: Program, command: CliCommand, done: (outcome: Outcome) => void): void {
  const sub = program.command(`${command.name} ${command.arguments}`.trim());
  sub.description(command.summary);
  for (const { flags, summary } of command.options) sub.option(flags, summary);
  sub.allowExcessArguments(false).exitOverride();
  sub.action(async () => {
    const { config: file } = program.opts<{ config: string }>();
    const isFileChosen =
      program.getOptionValueSource('config') === 'cli' || Boolean(process.env.IPTHROTTLE_CONF);
    const options = sub.opts<CommandOptions>();
    done(await command.run({ file, isFileChosen, arguments: sub.args, options }));
  });
}

async function main(): Promise<number> {
  try {
    let outcome: Outcome = { exit: exitCodes.done.code, lines: [] };
    const program = new Program('ipthrottle')
      .configureOutput({ outputError: usageLine('ipthrottle') })
      .description('list, block and unblock what rater keeps out')
      .option(
        '-c, --config <file>',
        'configuration, see rater.conf(5)',
        process.env.IPTHROTTLE_CONF || defaultConfig,
      )
      .version(version, '-V, --version')
      // Their arguments would leave no room for what they do.
      .configureHelp({ subcommandTerm: (sub) => sub.name() })
      .exitOverride();
    for (const command of cliCommands) {
      register(program, command, (done) => {
        outcome = done;
      });
    }
    // What commander would suggest is often far from what was typed.
    program.on('command:*', ([name = '']: string[]) => {
      program.error(noSuchCommand(name, cliCommands));
    });
    await program.parseAsync();
    return await showOutcome(outcome);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.done.code : exitCodes.operator.code;
    }
    // What of the package is missing, the launcher tells.
    if (errnoOf(error) === 'ERR_MODULE_NOT_FOUND') throw error;
    return leaveWith('ipthrottle', error);
  }
}

// A reader that closes early, as head(1) does, is no error.
process.stdout.on('error', (error) => {
  if (errnoOf(error) === 'EPIPE') process.exit(exitCodes.done.code);
  process.exit(leaveWith('ipthrottle', new Fault('output', reasonOf(error), error)));
});
process.exitCode = await main();
