/**
 * Proves that blocks work: a throwaway server on the real files, with the administrator's options,
 * lets an address of this host in, drops it once it is blocked, and lets it in again once it is
 * unblocked.
 *
 * Guarantee: however the probe ends, it removes its block; if killed outright, the block lasts a
 * minute. The server gets no -t, so that it removes nothing of the administrator's.
 */
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, isSingle } from '../../core/address.ts';
import { kinds } from '../../enforcers/kinds.ts';
import { reasonOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import type { Installation } from '../check.ts';
import { allowEntries } from '../checks/allowlist.ts';
import { type ProbedCommand, probedCommands } from './probed-commands.ts';
import { startThrowaway, type Throwaway } from './throwaway-server.ts';

/** A step and its outcome; `skipped` proves nothing either way. */
export type Step = {
  readonly server: string;
  /** The scripts and processes from which the server's options are; none: they are ours. */
  readonly from: readonly string[];
  readonly step: string;
  readonly went: 'as it should' | 'wrong' | 'skipped';
};

/** Runs an ordinary command of ipthrottle; resolves with its exit code and output. */
export type RunCommand = (...args: string[]) => Promise<{ exit: number; said: string }>;

const blockSeconds = 60;
/** Anybody can make processes that look like servers. */
const maxServers = 10;
const clockSlackMs = 5000;

export function isOfThisHost(address: Address): boolean {
  return address.family === 4 && isSingle(address) && address.octets[0] === 127;
}

export function anyAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
}

/** Why the address cannot be blocked on trial, or undefined. */
function obstacle(site: Installation, address: Address): string | undefined {
  const { remembered: memory } = site;
  if ('unknown' in memory) return 'cannot tell what is blocked: see the other findings';
  const entry = allowEntries(site, memory).find(address);
  if (entry) return `${address.text} is on the allowlist by ${entry.address.text}`;
  const nowMs = site.clock.wallMs();
  const block = memory.blocks.find((each) => {
    return each.address.text === address.text && each.untilMs > nowMs;
  });
  return block && `${address.text} is blocked already: give another address`;
}

export async function probe(
  site: Installation,
  address: Address,
  run: RunCommand,
  signal: AbortSignal,
): Promise<Step[]> {
  const skipped = (step: string): Step[] => [{ server: 'probe', from: [], step, went: 'skipped' }];
  if (site.enforcers.length === 0) {
    const names = kinds.map(({ name }) => `blocking.${name}`);
    return skipped(`neither ${names.join(' nor ')} is configured`);
  }
  const why = obstacle(site, address);
  if (why !== undefined) return skipped(why);
  const steps: Step[] = [];
  const all = probedCommands(site);
  for (const command of all.slice(0, maxServers)) {
    const { server, from, program } = command;
    if ('why' in program) steps.push({ server, from, step: program.why, went: 'skipped' });
    else await prove(site, command, program.path, { address, run, signal, steps });
  }
  const left = all.length - maxServers;
  return left > 0 ? [...steps, ...skipped(`${left} more servers are not tried`)] : steps;
}

type Attempt = {
  readonly address: Address;
  readonly run: RunCommand;
  readonly signal: AbortSignal;
  readonly steps: Step[];
};

async function prove(
  site: Installation,
  { server, from, options }: ProbedCommand,
  path: string,
  attempt: Attempt,
): Promise<void> {
  const tell = (step: string, isWell: boolean) => {
    attempt.steps.push({ server, from, step, went: isWell ? 'as it should' : 'wrong' });
  };
  let throwaway: Throwaway | undefined;
  try {
    throwaway = await startThrowaway(path, options, attempt.signal);
    await letInDroppedLetIn(site, throwaway, { ...attempt, tell });
  } catch (error) {
    tell(attempt.signal.aborted ? 'interrupted' : reasonOf(error), false);
  } finally {
    await throwaway?.stop();
  }
}

type Telling = Attempt & { readonly tell: (step: string, isWell: boolean) => void };

async function letInDroppedLetIn(site: Installation, server: Throwaway, attempt: Telling) {
  const { address, run, signal, tell } = attempt;
  const before = await server.letsIn(address.text);
  tell(`${address.text} is ${before ? 'let in' : 'refused, though nothing blocks it'}`, before);
  if (!before) return;
  try {
    signal.throwIfAborted();
    const { text } = address;
    const blocking = await run(
      'block',
      '--for',
      `${blockSeconds}`,
      '--reason',
      'doctor --probe',
      text,
    );
    tell(blocking.said, blocking.exit === 0);
    if (blocking.exit !== 0) return;
    checkClock(site, attempt);
    signal.throwIfAborted();
    const during = await server.letsIn(text);
    tell(`${text} is ${during ? 'let in, though it is blocked' : 'refused'}`, !during);
  } finally {
    await unblock(server, attempt);
  }
}

async function unblock(server: Throwaway, { address, run, tell }: Telling): Promise<void> {
  const { exit, said } = await run('unblock', address.text);
  tell(said, exit === 0);
  if (exit !== 0) return;
  const after = await server.letsIn(address.text);
  tell(`${address.text} is ${after ? 'let in again' : 'still refused'}`, after);
}

/** The file just written reveals a file system of another host with a wrong clock. */
function checkClock({ enforcers, clock }: Installation, { address, tell }: Telling): void {
  for (const { path, fileName } of enforcers.flatMap(({ directories }) => directories)) {
    const name = fileName(address);
    if (name === undefined) continue;
    const stats = statSync(join(path, name), { throwIfNoEntry: false });
    const nowMs = clock.wallMs();
    const isNear = (milliseconds: number) => Math.abs(milliseconds - nowMs) < clockSlackMs;
    // Only the file just written, not an administrator's, has the end of its block.
    if (!stats || !isNear(stats.mtimeMs - blockSeconds * 1000) || isNear(stats.ctimeMs)) continue;
    const written = new Date(stats.ctimeMs).toISOString();
    tell(`${quoted(path)}: its file system says that it is ${written}`, false);
  }
}
