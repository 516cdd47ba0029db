/**
 * The program `ipthrottle`: the operator's command. It has the daemon do the work, or does it
 * itself when the daemon is down. Nothing else here prints to stdout.
 */
import { CommanderError, Command as Program } from 'commander';
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';
import { commands } from '../commands/commands.ts';
import { loadConfig } from '../config/load-config.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { printable } from '../runtime/log.ts';
import { leaveWith, usageLine, version } from '../runtime/program.ts';
import { askDaemon } from './ask-daemon.ts';
import { doctor } from './doctor.ts';
import { overload, runOverload } from './overload.ts';

const defaultConfig = '/etc/ipthrottle/rater.conf';

async function askOrRunOffline(
  file: string,
  command: Command,
  args: readonly string[],
  options: CommandOptions,
): Promise<Outcome> {
  const config = loadConfig(file);
  const call = { command: command.name, arguments: args, options };
  const answered = await askDaemon(config.settings.controlSocket, call);
  if (answered) return answered;
  if (command.needsDaemon) {
    throw new Fault('daemon', `nobody listens on ${config.settings.controlSocket}`);
  }
  // Loaded only when needed: the store's driver costs more than all the rest.
  const { runOffline } = await import('./run-offline.ts');
  return runOffline(config, command, call);
}

/** Errors of the operator go to stderr, answers to stdout; neither drives the terminal. */
function print({ exit, lines }: Outcome): Promise<number> {
  const stream = exit >= exitCodes.operator.code ? process.stderr : process.stdout;
  const text = lines.map((line) => `${printable(line)}\n`).join('');
  return new Promise((resolve) => stream.write(text, () => resolve(exit)));
}

function addCommand(program: Program, command: Command, done: (outcome: Outcome) => void): void {
  const sub = program.command(`${command.name} ${command.arguments}`.trim());
  sub.description(command.summary);
  for (const { flags, summary } of command.options) sub.option(flags, summary);
  sub.allowExcessArguments(false).exitOverride();
  sub.action(async () => {
    const { config } = program.opts<{ config: string }>();
    done(await askOrRunOffline(config, command, sub.args, sub.opts<CommandOptions>()));
  });
}

/** `overload` needs no daemon and no store, so it is no command of the table. */
function addOverload(program: Program): void {
  const sub = program.command(overload.name).description(overload.summary);
  for (const { flags, summary } of overload.options) sub.option(flags, summary);
  sub.allowExcessArguments(false).exitOverride();
  sub.action(async () => {
    const { config } = program.opts<{ config: string }>();
    const isChosen =
      program.getOptionValueSource('config') === 'cli' || Boolean(process.env.IPTHROTTLE_CONF);
    await runOverload(config, isChosen, sub.opts<CommandOptions>());
  });
}

/** `doctor` looks at both, daemon and store, so it is none either; loaded only when needed. */
function addDoctor(program: Program, done: (outcome: Outcome) => void): void {
  const sub = program.command(doctor.name).description(doctor.summary);
  for (const { flags, summary } of doctor.options) sub.option(flags, summary);
  sub.allowExcessArguments(false).exitOverride();
  sub.action(async () => {
    const { config } = program.opts<{ config: string }>();
    const { runDoctor } = await import('./run-doctor.ts');
    done(await runDoctor(config, sub.opts<CommandOptions>()));
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
      .exitOverride();
    for (const command of commands) {
      addCommand(program, command, (done) => {
        outcome = done;
      });
    }
    addOverload(program);
    addDoctor(program, (done) => {
      outcome = done;
    });
    await program.parseAsync();
    return await print(outcome);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.done.code : exitCodes.operator.code;
    }
    return leaveWith('ipthrottle', error);
  }
}

// A reader that has seen enough, as head(1) does, is no trouble.
process.stdout.on('error', () => process.exit(exitCodes.done.code));
process.exitCode = await main();
