/**
 * `ipthrottle doctor`: runs all checks, and with --probe proves a block. It works with or without the
 * daemon, and only the probe's own commands change anything.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { textLines } from '../commands/answer-text.ts';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { countedNoun } from '../commands/words.ts';
import { type Checked, checkConfig, mistaken } from '../config/load-config.ts';
import { type Address, parseAddress } from '../core/address.ts';
import type { Installation } from '../doctor/check.ts';
import { checks, type Diagnosis, diagnose } from '../doctor/checks/checks.ts';
import { examineInstallation } from '../doctor/installation.ts';
import {
  anyAddress,
  isOfThisHost,
  probe,
  type RunCommand,
  type Step,
} from '../doctor/probe/probe.ts';
import { type Proofs, proofsOf } from '../doctor/proofs.ts';
import { hint, problem, someOf } from '../health/finding.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { askDaemon } from './ask-daemon.ts';
import { askDespiteMistakes } from './ask-despite-mistakes.ts';

const timeoutMs = 5000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function addressToProbe(option: string | boolean): Address {
  const address = parseAddress(typeof option === 'string' ? option : anyAddress());
  if (address && isOfThisHost(address)) return address;
  throw new Fault('usage', `--probe: not an address in 127.0.0.0/8: ${quoted(String(option))}`);
}

/** Each command is a process of its own, because without the daemon root would become its user. */
function runner(file: string): RunCommand {
  return (...args) =>
    new Promise((resolve) => {
      const words = [process.argv[1] ?? '', '-c', file, ...args];
      const child = execFile(process.execPath, words, (_error, stdout, stderr) => {
        resolve({ exit: child.exitCode ?? -1, said: `${stdout}${stderr}`.trim() });
      });
    });
}

/** A signal ends the probe between two steps, so that it lifts its block. */
async function probed(site: Installation, address: Address, file: string): Promise<Step[]> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  for (const name of signals) process.once(name, interrupt);
  try {
    return await probe(site, address, runner(file), interruption.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** How much is wrong, what was proven, and what was not looked at. */
function lastLine(
  found: readonly Diagnosis[],
  steps: readonly Step[],
  { proven, notLookedAt }: Proofs,
): string {
  const parts = [verdict(found, steps, notLookedAt.length === 0)];
  if (proven.length > 0) parts.push(`proven: ${proven.join(', ')}`);
  if (notLookedAt.length > 0) parts.push(`not looked at: ${notLookedAt.join(', ')}`);
  return parts.join('; ');
}

function verdict(found: readonly Diagnosis[], steps: readonly Step[], isProven: boolean): string {
  const wrong = steps.filter(({ went }) => went === 'wrong').length;
  const problems = found.filter(({ level }) => level === 'problem').length + wrong;
  const hints = found.length + wrong - problems;
  if (found.length + wrong === 0)
    return isProven
      ? `all is well: ${countedNoun(checks.length, 'check')} found nothing`
      : 'no problem found';
  return `${countedNoun(problems, 'problem')}, ${countedNoun(hints, 'hint')}`;
}

function linesOf(found: readonly Diagnosis[], steps: readonly Step[], proofs: Proofs): string[] {
  return [
    ...found.map(
      ({ check, level, what, remedy }) => `${level}: ${check}: ${what}; remedy: ${remedy}`,
    ),
    ...steps.map(({ server, from, step, went }) => {
      const where = from.length === 0 ? '' : ` as in ${someOf(from)}`;
      return `probe: ${server}${where}: ${went}: ${step}`;
    }),
    lastLine(found, steps, proofs),
  ];
}

/** @throws Fault */
export async function runDoctor(file: string, options: CommandOptions): Promise<Outcome> {
  const { probe: wanted } = options;
  const address = wanted === undefined ? undefined : addressToProbe(wanted);
  const checked = checkConfig(file);
  const { config } = checked;
  if (!config) return doctorWithout(file, checked, options);
  const site = await examineInstallation({
    config,
    clock: systemClock,
    searchPath: process.env.PATH ?? '',
    ownDirectory: dirname(process.argv[1] ?? ''),
    root: '/',
    async ask(command, ...args) {
      const call = { command, arguments: args, options: { json: true } };
      const outcome = await askDaemon(config.settings.controlSocket, call, timeoutMs);
      return outcome && textLines(outcome.lines).join('\n');
    },
  });
  const found = await diagnose(site);
  const steps = address && (await probed(site, address, file));
  return outcomeOf(found, steps, proofsOf(site, found, steps), options);
}

function outcomeOf(
  found: readonly Diagnosis[],
  steps: readonly Step[] | undefined,
  proofs: Proofs,
  options: CommandOptions,
): Outcome {
  const isFine =
    found.every(({ level }) => level === 'hint') && !steps?.some(({ went }) => went === 'wrong');
  // A probe that was skipped proves nothing.
  const well = isFine && !steps?.some(({ went }) => went === 'skipped');
  const json = { well, findings: found, probe: steps ?? null, ...proofs };
  return {
    exit: isFine ? exitCodes.done.code : exitCodes.refused.code,
    lines: options.json ? [JSON.stringify(json)] : linesOf(found, steps ?? [], proofs),
  };
}

/**
 * What can be told without a configuration: that there is none, or its mistakes if rater goes on with
 * an older one.
 */
async function doctorWithout(
  file: string,
  checked: Checked,
  options: CommandOptions,
): Promise<Outcome> {
  const call = { command: 'uptime', arguments: [], options: {} };
  const isRunning = await askDespiteMistakes(file, checked, call);
  const isThere = existsSync(file);
  if (!isRunning && isThere) throw mistaken(checked);
  const goesOn = isRunning
    ? 'until then rater goes on with the one it has, and cannot start anew'
    : 'until then rater cannot start';
  const found = isThere
    ? checked.mistakes.map((mistake) => problem(mistake, `correct it; ${goesOn}`))
    : [problem(`there is no ${quoted(file)}`, `write it, as etc/rater.conf shows; ${goesOn}`)];
  const rest = 'nothing else was looked at, because that goes by the configuration';
  const all = [...found, hint(rest, 'run ipthrottle doctor again when it is correct')];
  const diagnoses = all.map((finding) => ({ check: 'daemon', ...finding }));
  const notLookedAt = ['anything else, because that goes by the configuration'];
  return outcomeOf(diagnoses, undefined, { proven: [], notLookedAt }, options);
}
