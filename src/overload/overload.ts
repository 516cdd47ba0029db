/**
 * Whether the queue is too long. A file exists while it is: the contract of the original overload
 * plugin and its cron job.
 *
 * Guarantee: only an empty file is ever removed and nothing is written into one, so a wrong path
 * costs no data. No link is followed to make the file. One with something in it was made by the
 * administrator and stays.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { promisify } from 'node:util';
import type { Overload } from '../config/config.ts';
import { Fault, reasonOf } from '../runtime/errors.ts';

/** What was measured: messages in the queue, load average of one minute. */
export type Pressure = { readonly messages: number; readonly load: number };

/** What a look found, and whether it changed the file. */
export type OverloadUpdate = {
  readonly isOn: boolean;
  readonly hasChanged: boolean;
  readonly pressure: Pressure;
};

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const usualTimeoutMs = 60_000;
const run = promisify(execFile);

/** Looks at the file anew at each check. */
export function isOverloaded(rule: Overload): boolean {
  return existsSync(rule.file);
}

/**
 * Whether a measurement means an overload. Between the thresholds it stays as it was, so that an
 * overload does not begin and end with every message.
 */
export function judgeOverload(rule: Overload, wasOn: boolean, pressure: Pressure): boolean {
  const { above, below, loadAbove = Number.POSITIVE_INFINITY, loadBelow = loadAbove } = rule;
  const { messages, load } = pressure;
  if (messages > above || load > loadAbove) return true;
  return wasOn && (messages >= below || load >= loadBelow);
}

/**
 * How many messages wait, by what the command prints: the number after qmail-qstat's words for
 * messages not yet preprocessed, or without these words the first number.
 */
export function messagesIn(output: string): number | undefined {
  const [, rest = output] = /not yet preprocessed:(.*)/s.exec(output) ?? [];
  const found = /\d+/.exec(rest);
  return found ? Number(found[0]) : undefined;
}

/** `130 messages`, and the load where a threshold is set for it. */
export function shownPressure({ messages, load }: Pressure, rule: Overload): string {
  const queue = `${messages} ${messages === 1 ? 'message' : 'messages'}`;
  return rule.loadAbove === undefined ? queue : `${queue}, load ${load.toFixed(2)}`;
}

async function printed(command: readonly string[], timeoutMs: number): Promise<string> {
  const [program = '', ...args] = command;
  try {
    const running = run(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL' });
    running.child.stdin?.end();
    return (await running).stdout;
  } catch (error) {
    const { killed } = error as { killed?: boolean };
    const reason = killed ? `no end after ${timeoutMs / 1000} seconds` : reasonOf(error);
    throw new Fault('overload', `${program}: ${reason.split('\n')[0]}`, error);
  }
}

async function measure(command: readonly string[], timeoutMs: number): Promise<Pressure> {
  const messages = messagesIn(await printed(command, timeoutMs));
  if (messages === undefined) throw new Fault('overload', `${command[0]} prints no number`);
  return { messages, load: loadavg()[0] ?? 0 };
}

function setFile(file: string, isOn: boolean): void {
  if (isOn) {
    closeSync(openSync(file, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o644));
    return;
  }
  if (statSync(file).size > 0) throw new Fault('overload', `${file} is not empty, so it stays`);
  rmSync(file);
}

/**
 * Measures, and sets or clears the file. The command may take `timeoutMs`.
 * @throws Fault `overload`; then the file is as it was
 */
export async function updateOverload(
  rule: Overload,
  timeoutMs = usualTimeoutMs,
): Promise<OverloadUpdate> {
  const pressure = await measure(rule.command, timeoutMs);
  const wasOn = isOverloaded(rule);
  const isOn = judgeOverload(rule, wasOn, pressure);
  try {
    if (isOn !== wasOn) setFile(rule.file, isOn);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('overload', reasonOf(error), error);
  }
  return { isOn, hasChanged: isOn !== wasOn, pressure };
}
