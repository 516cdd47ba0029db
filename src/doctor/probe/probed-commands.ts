/**
 * The servers that the probe starts: those of the administrator that use what rater writes, each set
 * of options once, and where there is none one with options of ours.
 */
import type { ProbedServer } from '../../enforcers/enforcer-kind.ts';
import { quoted } from '../../runtime/log.ts';
import { programIn } from '../../runtime/program-in.ts';
import type { Installation } from '../check.ts';
import { type ServerCommand, serverCommands } from '../server-commands.ts';
import { isSame, type Use, usedBy, usedByOurs } from '../used-files.ts';
import { type ProgramToRun, programToRun } from './program-to-run.ts';
import { ownOptions, takenFrom } from './taken-options.ts';

export type ProbedCommand = {
  /** For people: `tcpsvd -E -i /etc/ipsvd/smtp/peers`. */
  readonly server: string;
  /** The scripts and processes whose options these are; none: they are ours. */
  readonly from: readonly string[];
  readonly program: ProgramToRun;
  /** All arguments before host and port. */
  readonly options: readonly string[];
};

export function probedCommands(site: Installation): ProbedCommand[] {
  const commands = serverCommands(site.root);
  const found = new Map<string, ProbedCommand>();
  for (const target of site.enforcers.flatMap(({ servers }) => servers)) {
    const theirs = commands.flatMap((command) => {
      const use = useOfOurs(command, target);
      return use ? [{ where: command.where, ...asTheyRun(site, command, use) }] : [];
    });
    const all = theirs.length === 0 ? asWeWould(site, target) : theirs;
    for (const { server, program, options } of all) {
      const same = theirs.filter((each) => each.server === server);
      found.set(server, { server, program, options, from: same.map(({ where }) => where) });
    }
  }
  return [...found.values()];
}

/** What the command looks up of that which the target does. */
function useOfOurs(command: ServerCommand, target: ProbedServer): Use | undefined {
  if (command.program !== target.program) return undefined;
  return usedBy(command)?.find((use) => usedByOurs(target).some((own) => isSame(own, use)));
}

type Start = Omit<ProbedCommand, 'from'>;

function asTheyRun({ searchPath }: Installation, command: ServerCommand, use: Use): Start {
  const program = programToRun(command.word, searchPath);
  const { args, text } = takenFrom(command, use, process.geteuid?.() ?? -1);
  const isUsual = 'path' in program && program.path === programIn(searchPath, command.program);
  const name = isUsual ? command.program : quoted(command.word);
  const options = [...(ownOptions[command.program] ?? []), ...args];
  return { server: `${name} ${text}`, program, options };
}

function asWeWould({ searchPath }: Installation, target: ProbedServer): Start[] {
  const program = programToRun(target.program, searchPath);
  if ('path' in program && target.isKnownTo?.(program.path) === false) return [];
  const options = [...(ownOptions[target.program] ?? []), ...target.options];
  return [{ server: target.server, program, options }];
}
