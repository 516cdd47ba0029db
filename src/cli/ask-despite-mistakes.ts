/**
 * Reaches the running daemon while its configuration has mistakes: it goes on with the one that it
 * has read before, and is where an operator needs it most.
 *
 * Guarantee: a socket that neither the file nor $IPTHROTTLE_CONTROL names is only used if the daemon
 * behind it has read this very file; it could be another one's.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { textLines } from '../commands/answer-text.ts';
import type { Outcome } from '../commands/command.ts';
import type { CommandCall } from '../commands/commands.ts';
import { type Checked, usualControlSocket } from '../config/load-config.ts';
import { printable } from '../runtime/log.ts';
import { askDaemon } from './ask-daemon.ts';

type Places = { readonly named?: string | undefined; readonly usual?: string };

type Mistaken = Pick<Checked, 'mistakes' | 'controlSocket'>;

/** The answer, after the mistakes are on stderr; undefined when no daemon is found. @throws Fault */
export async function askDespiteMistakes(
  file: string,
  checked: Mistaken,
  call: CommandCall,
  places?: Places,
): Promise<Outcome | undefined> {
  const path = await socketDespiteMistakes(file, checked, places);
  const answer = path === undefined ? undefined : await askDaemon(path, call);
  if (answer) tellMistakes(checked);
  return answer;
}

/** The socket of the daemon that may be asked; undefined when none is found. @throws Fault */
export async function socketDespiteMistakes(
  file: string,
  { controlSocket }: Mistaken,
  { named = process.env.IPTHROTTLE_CONTROL, usual = usualControlSocket }: Places = {},
): Promise<string | undefined> {
  const path = named || controlSocket;
  if (path !== undefined) return path;
  return (await hasRead(file, usual)) ? usual : undefined;
}

/** Says on stderr what is wrong with the configuration that rater does not use. */
export function tellMistakes({ mistakes }: Mistaken): void {
  const lines = [...mistakes, 'configuration not usable: rater goes on with the one it has'];
  for (const line of lines) process.stderr.write(`ipthrottle: warning: ${printable(line)}\n`);
}

async function hasRead(file: string, controlSocket: string): Promise<boolean> {
  const call = { command: 'status', arguments: [], options: { json: true } };
  const answer = await askDaemon(controlSocket, call);
  const status = answer && (JSON.parse(textLines(answer.lines).join('')) as { config: string });
  return status !== undefined && realPath(status.config) === realPath(file);
}

/** Of what is not there, what it would be. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
