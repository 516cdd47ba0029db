/**
 * `ipthrottle completion`: prints what a shell reads to complete command lines, and does the work of
 * that.
 *
 * Guarantee: completing takes no longer than a person waits. It changes nothing.
 */
import { textLines } from '../commands/answer-text.ts';
import type { Outcome } from '../commands/command.ts';
import { checkConfig } from '../config/load-config.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { printable, quoted } from '../runtime/log.ts';
import { askDaemon } from './ask-daemon.ts';
import type { CliCommand } from './cli-command.ts';
import { type CompletedCommand, completeWords } from './complete-words.ts';
import { completionScripts } from './completion-scripts.ts';
import type { Ask } from './live-words.ts';

/** Together with the start of this program it is half a second. */
const timeoutMs = 350;

const help: CompletedCommand = {
  name: 'help',
  arguments: '[command]',
  summary: 'print a summary',
  options: [],
};

/** The command for a table, in which it is itself. */
export function completionOf(table: () => readonly CliCommand[]): CliCommand {
  return {
    name: 'completion',
    arguments: '<shell> [word...]',
    summary: 'print what bash, zsh or fish reads to complete command lines',
    options: [],
    choices: { shell: Object.keys(completionScripts) },
    async run({ file, arguments: [shell = '', ...words] }) {
      if (shell === 'words') return complete(words, table(), file);
      const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
      if (script === undefined || words.length > 0) {
        throw new Fault('usage', `completion wants bash, zsh or fish, not ${quoted(shell)}`);
      }
      return { exit: exitCodes.done.code, lines: script.trimEnd().split('\n') };
    },
  };
}

async function complete(
  words: readonly string[],
  table: readonly CliCommand[],
  usualFile: string,
): Promise<Outcome> {
  // Nothing was changed that could be left half done.
  setTimeout(() => process.exit(exitCodes.done.code), timeoutMs).unref();
  const names = table.map(({ name }) => name);
  const commands = [...table, { ...help, choices: { command: names } }];
  const found = await completeWords(words, commands, (file) => askRunning(file ?? usualFile));
  // A tab is what ends the word, and no text of somebody else's.
  const lines = found.map(({ word, about }) => `${word}${about && `\t${printable(about)}`}\n`);
  await new Promise<void>((resolve) => process.stdout.write(lines.join(''), () => resolve()));
  return { exit: exitCodes.done.code, lines: [] };
}

/** Asks the daemon of the configuration, if there is one and it runs. */
function askRunning(file: string): Ask {
  return async (command, args, options) => {
    const { config } = checkConfig(file);
    const call = { command, arguments: args, options };
    const answer = config && (await askDaemon(config.settings.controlSocket, call, timeoutMs));
    return answer && textLines(answer.lines).join('');
  };
}
