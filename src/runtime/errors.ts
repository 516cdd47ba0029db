/**
 * The faults this project reports, sorted by who must act.
 *
 * A result (limit exceeded, nothing found) is a value, never a Fault. A Fault is foreseen trouble
 * that leaves as one line `program: level: what: detail` and an exit code. Anything else thrown is
 * our own bug and leaves as exit 101 with its stack. The manuals and their test read this table.
 */

/** What a program's exit code tells its caller. */
export const exitCodes = {
  done: { code: 0, means: 'done' },
  refused: { code: 1, means: 'refused, or nothing matched' },
  operator: { code: 100, means: 'the operator must act: wrong usage or configuration' },
  bug: { code: 101, means: 'a bug in the program itself' },
  later: { code: 111, means: 'a temporary failure; try again later' },
} as const;

type FaultKind = { readonly exit: number; readonly sentence: string };

/** Every foreseen trouble: its exit code and the sentence that names it. */
export const faults = {
  usage: { exit: exitCodes.operator.code, sentence: 'wrong usage' },
  config: { exit: exitCodes.operator.code, sentence: 'configuration not usable' },
  alreadyRunning: { exit: exitCodes.operator.code, sentence: 'another rater is running' },
  notPermitted: { exit: exitCodes.operator.code, sentence: 'not permitted' },
  storeVersion: { exit: exitCodes.operator.code, sentence: 'database is from a newer version' },
  storeAccess: { exit: exitCodes.operator.code, sentence: 'database cannot be opened' },
  driver: { exit: exitCodes.operator.code, sentence: 'database driver not usable' },
  storeCorrupt: { exit: exitCodes.operator.code, sentence: 'database is damaged' },
  page: { exit: exitCodes.operator.code, sentence: 'page cannot be written' },
  logInput: { exit: exitCodes.operator.code, sentence: 'log cannot be read' },
  incomplete: {
    exit: exitCodes.later.code,
    sentence: 'ipthrottle is being replaced, or incomplete',
  },
  store: { exit: exitCodes.later.code, sentence: 'database not usable now' },
  enforcer: { exit: exitCodes.later.code, sentence: 'block not in force' },
  listen: { exit: exitCodes.later.code, sentence: 'cannot listen' },
  log: { exit: exitCodes.later.code, sentence: 'cannot write the log' },
  output: { exit: exitCodes.later.code, sentence: 'cannot write to stdout' },
  overload: { exit: exitCodes.later.code, sentence: 'queue not measured' },
  daemon: { exit: exitCodes.later.code, sentence: 'rater does not answer' },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof faults;

/** Foreseen trouble. `detail` names what and where; `cause` keeps the foreign error. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: string;

  constructor(code: FaultCode, detail: string, cause?: unknown) {
    super(`${faults[code].sentence}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.code = code;
    this.detail = detail;
  }

  get exit(): number {
    return faults[this.code].exit;
  }
}

/** The short text of a foreign error: `EACCES: permission denied, open '/x'`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, ...), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
