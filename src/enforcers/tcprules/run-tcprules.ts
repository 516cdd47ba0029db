/**
 * The installed tcprules(1), which knows what its own tcpserver understands.
 *
 * It changes no file but temporary ones beside the cdb. Trouble is a Fault, with the program's words.
 */
import { reading } from '../../files/read-file.ts';
import { createAnew, removeQuietly, temporaryName } from '../../files/replace-file.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import { running } from '../../runtime/run-command.ts';
import { slowly, type Work } from '../../runtime/work.ts';

export type InstalledTcprules = {
  /** What the rules are for; temporary files are made beside it. */
  readonly cdb: string;
  /** Where the rules come from, for people. */
  readonly source: string;
  /** `tcprules` by default. */
  readonly tcprulesCommand?: string | undefined;
};

const commandTimeoutMs = 10_000;
const outputShown = 300;

/** The bytes of the cdb that it makes of `rules`. */
export function* runTcprules(files: InstalledTcprules, rules: Uint8Array): Work<Uint8Array> {
  const output = temporaryName(`${files.cdb}.compiled`);
  const temporary = temporaryName(`${files.cdb}.compiling`);
  try {
    // tcprules would follow a link that somebody put there.
    createAnew(temporary);
    yield* run(files, [output, temporary], rules);
    return yield* slowly(reading(output));
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('enforcer', `cannot read ${output}: ${reasonOf(error)}`, error);
  } finally {
    removeQuietly(output);
    removeQuietly(temporary);
  }
}

function* run(
  { source, tcprulesCommand: command = 'tcprules' }: InstalledTcprules,
  args: readonly string[],
  input: Uint8Array,
): Work<void> {
  const ended = yield* slowly(running({ command, args, input, timeoutMs: commandTimeoutMs }));
  const { why, said, isMissing } = ended;
  if (why === undefined) return;
  if (isMissing) {
    const what = `${source} needs the installed tcprules, and ${command} is not there`;
    throw new Fault('enforcer', `${what}: ${why}`);
  }
  const words = JSON.stringify(said.trim().slice(0, outputShown));
  throw new Fault('enforcer', `${command} refuses ${source}: ${why}, ${words}`);
}
