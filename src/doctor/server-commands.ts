/**
 * The commands of tcpsvd and tcpserver on this machine: in the run scripts of supervisors, and as they
 * run. BusyBox's, those of other containers and what cannot be read are left out.
 *
 * A script is not run: a word with a variable in it stays as it is written.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readFile } from '../files/read-file.ts';
import { quoted } from '../runtime/log.ts';

/** Each service is a directory in one of these, with a file `run` in it. */
const serviceDirectories = [
  'etc/service',
  'service',
  'etc/sv',
  'var/qmail/supervise',
  'var/service',
];
const maxServices = 1000;
const maxProcesses = 100_000;
const maxBytes = 65_536;

/** Options with an argument. */
const withArgument: Readonly<Record<string, string>> = {
  tcpsvd: 'bcCiltux',
  tcpserver: 'bBcgIltux',
  ratecheck: 'cmstv',
};

export type ServerCommand = {
  /** A file, or `process 4711`, for people. */
  readonly where: string;
  /** `tcpsvd` or `tcpserver`. */
  readonly program: string;
  /** As the command names that, perhaps with a path. */
  readonly word: string;
  /** Where relative paths begin; undefined: it cannot be told. */
  readonly directory: string | undefined;
  /** The last argument of each option, or nothing, by its letter. */
  readonly options: ReadonlyMap<string, string>;
  /** What it runs: all words after host and port. */
  readonly runs: readonly string[];
};

/** `root` is where the paths of this machine begin. */
export function serverCommands(root: string): ServerCommand[] {
  return [...inScripts(root), ...running(join(root, 'proc'))];
}

/** The options of ratecheck among the words; undefined: it is not there. */
export function ratecheckOptions(
  words: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const at = words.findIndex((word) => basename(word) === 'ratecheck');
  return at < 0 ? undefined : parse('ratecheck', words.slice(at + 1)).options;
}

/** Empty where it cannot be looked at. */
function tried<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch {
    return [];
  }
}

function inScripts(root: string): ServerCommand[] {
  const seen = new Set<string>();
  return serviceDirectories.flatMap((directory) => {
    const path = join(root, directory);
    const services = tried(() => readdirSync(path)).slice(0, maxServices);
    return services.flatMap((service) => {
      return tried(() => {
        const file = join(path, service, 'run');
        const real = realpathSync(file);
        if (seen.has(real)) return [];
        seen.add(real);
        return inScript(file, real);
      });
    });
  });
}

function inScript(file: string, real: string): ServerCommand[] {
  const stats = statSync(real);
  if (!stats.isFile() || stats.size > maxBytes) return [];
  const text = readFile(real).toString('latin1').replaceAll('\\\n', ' ');
  return text.split('\n').flatMap((line) => {
    if (/^\s*#/.test(line)) return [];
    const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
    const bare = words.map((word) => word.replaceAll(/["']/g, ''));
    return commandIn(bare, quoted(file), dirname(real));
  });
}

function running(proc: string): ServerCommand[] {
  const own = tried(() => [readlinkSync(join(proc, 'self/ns/mnt'))])[0];
  const pids = tried(() => readdirSync(proc)).filter((name) => /^\d+$/.test(name));
  return pids.slice(0, maxProcesses).flatMap((pid) => {
    return tried(() => {
      const words = readFileSync(join(proc, pid, 'cmdline'), 'latin1')
        .split('\0')
        .slice(0, -1);
      const [command] = commandIn(words.slice(0, 1000), `process ${pid}`, undefined);
      if (!command) return [];
      const link = (name: string) => tried(() => [readlinkSync(join(proc, pid, name))])[0];
      const namespace = link('ns/mnt');
      const isElsewhere = namespace !== undefined && own !== undefined && namespace !== own;
      if (isElsewhere || basename(link('exe') ?? '') === 'busybox') return [];
      return [{ ...command, directory: link('cwd') }];
    });
  });
}

function commandIn(words: string[], where: string, directory: string | undefined): ServerCommand[] {
  const at = words.findIndex((word) => ['tcpsvd', 'tcpserver'].includes(basename(word)));
  const word = words[at] ?? '';
  const program = basename(word);
  if (at < 0 || basename(words[at - 1] ?? '') === 'busybox') return [];
  const { options, operands } = parse(program, words.slice(at + 1));
  return operands.length < 3
    ? []
    : [{ where, program, word, directory, options, runs: operands.slice(2) }];
}

/** Options and operands of what follows the program's name. */
export function parse(program: string, words: readonly string[]) {
  const options = new Map<string, string>();
  let at = 0;
  for (; /^-./.test(words[at] ?? ''); at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return { options, operands: words.slice(at + 1) };
    const letters = [...word.slice(1)];
    const last = letters.findIndex((each) => withArgument[program]?.includes(each));
    const flags = last < 0 ? letters : letters.slice(0, last);
    for (const flag of flags) options.set(flag, '');
    if (last < 0) continue;
    const attached = word.slice(last + 2);
    if (attached === '') at += 1;
    options.set(letters[last] ?? '', attached || (words[at] ?? ''));
  }
  return { options, operands: words.slice(at) };
}
