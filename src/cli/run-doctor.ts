/**
 * `ipthrottle doctor`: runs all checks, and with --probe proves a block. It works without the daemon,
 * asks it when it runs, and changes nothing but by the probe's own commands.
 */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { loadConfig } from '../config/load-config.ts';
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
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { askDaemon } from './ask-daemon.ts';

const timeoutMs = 5000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function addressToProbe(option: string | true): Address {
  const address = parseAddress(option === true ? anyAddress() : option);
  if (address && isOfThisHost(address)) return address;
  throw new Fault('usage', `--probe: not an address in 127.0.0.0/8: ${quoted(String(option))}`);
}

/** As another process, because without the daemon root becomes the owner of the database for it. */
function runner(file: string): RunCommand {
  return (...args) =>
    new Promise((resolve) => {
      const words = [process.argv[1] ?? '', '-c', file, ...args];
      const child = execFile(process.execPath, words, (_error, stdout, stderr) => {
        resolve({ exit: child.exitCode ?? -1, said: `${stdout}${stderr}`.trim() });
      });
    });
}

/** A signal ends the probe between two steps, so that it takes its block back. */
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

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
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
      ? `all is well: ${counted(checks.length, 'check')} found nothing`
      : 'no problem found';
  return `${counted(problems, 'problem')}, ${counted(hints, 'hint')}`;
}

function linesOf(found: readonly Diagnosis[], steps: readonly Step[], proofs: Proofs): string[] {
  return [
    ...found.map(
      ({ check, level, what, remedy }) => `${level}: ${check}: ${what}; remedy: ${remedy}`,
    ),
    ...steps.map(({ server, step, went }) => `probe: ${server}: ${went}: ${step}`),
    lastLine(found, steps, proofs),
  ];
}

/** @throws Fault */
export async function runDoctor(file: string, options: CommandOptions): Promise<Outcome> {
  const { probe: wanted } = options;
  const address = wanted ? addressToProbe(wanted) : undefined;
  const config = loadConfig(file);
  const site = await examineInstallation({
    config,
    clock: systemClock,
    searchPath: process.env.PATH ?? '',
    ownDirectory: dirname(process.argv[1] ?? ''),
    root: '/',
    async ask(command, ...args) {
      const call = { command, arguments: args, options: { json: true } };
      const outcome = await askDaemon(config.settings.controlSocket, call, timeoutMs);
      return outcome?.lines.join('\n');
    },
  });
  const found = await diagnose(site);
  const steps = address ? await probed(site, address, file) : [];
  const proofs = proofsOf(site, found, address && steps);
  const isFine =
    found.every(({ level }) => level === 'hint') && steps.every(({ went }) => went !== 'wrong');
  // Who asks for a proof and gets none is not told that all is well.
  const well = isFine && steps.every(({ went }) => went !== 'skipped');
  const json = { well, findings: found, probe: address ? steps : null, ...proofs };
  return {
    exit: isFine ? exitCodes.done.code : exitCodes.refused.code,
    lines: options.json ? [JSON.stringify(json)] : linesOf(found, steps, proofs),
  };
}
