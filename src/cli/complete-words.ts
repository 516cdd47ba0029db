/**
 * What can stand for the last word of a command line: commands, options and values by the table of
 * commands, and what the running daemon knows.
 */
import type { CliCommand } from './cli-command.ts';
import { type Ask, liveWords } from './live-words.ts';

/** A word, and what it is about, or ''. */
export type Candidate = { readonly word: string; readonly about: string };

export type CompletedCommand = Pick<
  CliCommand,
  'name' | 'arguments' | 'summary' | 'options' | 'choices'
>;

/** Where the last word stands. */
export type Spot = {
  /** The configuration that the line names. */
  readonly file: string | undefined;
  readonly command: CompletedCommand | undefined;
  /** The arguments before it. */
  readonly arguments: readonly string[];
  /** The options before it, in each of their spellings. */
  readonly options: readonly string[];
  /** The option whose value it is. */
  readonly awaiting: Option | undefined;
};

type Option = CliCommand['options'][number];

/** Stands for the names of files, which the shell knows. */
export const fileNames: Candidate = { word: ':files', about: '' };

const globalOptions: readonly Option[] = [
  { flags: '-c, --config <file>', summary: 'configuration, see rater.conf(5)' },
  { flags: '-h, --help', summary: 'print a summary' },
  { flags: '-V, --version', summary: 'print the version' },
];

/** A shell takes it as it stands, and would take others apart or carry them out. */
const plainWord = /^[\w.:/@+,%-]+$/;

/**
 * All that can stand for the last of the words, which is '' behind a blank; `askAt` asks the daemon of
 * the configuration that the line names.
 */
export async function completeWords(
  words: readonly string[],
  commands: readonly CompletedCommand[],
  askAt: (file: string | undefined) => Ask,
): Promise<Candidate[]> {
  const last = words.at(-1) ?? '';
  const spot = spotOf(words.slice(0, -1), commands);
  const all = await candidatesAt(spot, last, commands, askAt(spot.file));
  return all.filter((each) => {
    return each === fileNames || (each.word.startsWith(last) && plainWord.test(each.word));
  });
}

function namesOf({ flags }: Option): string[] {
  return flags.match(/(?<![\w-])--?[\w-]+/g) ?? [];
}

/** `time` of `--for <time>`; undefined for a switch. */
function valueName({ flags }: Option): string | undefined {
  return /[<[]([\w-]+)/.exec(flags)?.[1];
}

function spotOf(words: readonly string[], commands: readonly CompletedCommand[]): Spot {
  let [file, awaiting] = [undefined as string | undefined, undefined as Option | undefined];
  let command: CompletedCommand | undefined;
  const [args, used]: [string[], string[]] = [[], []];
  for (const word of words) {
    const options = [...globalOptions, ...(command?.options ?? [])];
    const option = options.find((each) => namesOf(each).includes(word));
    if (awaiting) {
      if (awaiting === globalOptions[0]) file = word;
      awaiting = undefined;
    } else if (option) {
      used.push(...namesOf(option));
      if (valueName(option) !== undefined) awaiting = option;
    } else if (command && !word.startsWith('-')) {
      args.push(word);
    } else {
      command ??= commands.find(({ name }) => name === word);
    }
  }
  return { file, command, arguments: args, options: used, awaiting };
}

function candidatesAt(
  spot: Spot,
  last: string,
  commands: readonly CompletedCommand[],
  ask: Ask,
): Candidate[] | Promise<Candidate[]> {
  const { command, options, awaiting } = spot;
  if (awaiting) return valuesOf(valueName(awaiting) ?? '', spot, last, ask);
  if (last.startsWith('-')) {
    return (command?.options ?? globalOptions).flatMap((option) => {
      const name = namesOf(option).find((each) => each.startsWith('--')) ?? '';
      return options.includes(name) ? [] : [{ word: name, about: option.summary }];
    });
  }
  if (!command) return commands.map(({ name, summary }) => ({ word: name, about: summary }));
  const places = command.arguments.split(' ');
  const place = places[spot.arguments.length] ?? places.find((each) => each.includes('...')) ?? '';
  const name = place.replace(/\W/g, '');
  return name === '' ? [] : valuesOf(name, spot, last, ask);
}

/** What can stand for a placeholder in the table of commands. */
function valuesOf(
  placeholder: string,
  spot: Spot,
  last: string,
  ask: Ask,
): Candidate[] | Promise<Candidate[]> {
  const choices = spot.command?.choices?.[placeholder];
  if (choices) return choices.map((word) => ({ word, about: '' }));
  return placeholder === 'file' ? [fileNames] : liveWords(placeholder, spot, last, ask);
}
