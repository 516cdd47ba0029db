/**
 * Shows what a command says: complaints on stderr, answers on stdout, and those that are longer than
 * the terminal in the user's pager, as git(1) does.
 *
 * SECURITY: the pager that is used when $PAGER names none starts no other program, because ipthrottle
 * may be all that somebody may run as root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { textPieces } from '../commands/answer-text.ts';
import type { Line, Outcome } from '../commands/command.ts';
import type { Screen } from '../commands/screen.ts';
import { exitCodes } from '../runtime/errors.ts';
import { stdoutScreen } from './terminal.ts';

/** Resolves to the exit code when all is written. */
export async function showOutcome({ exit, lines }: Outcome): Promise<number> {
  if (exit >= exitCodes.operator.code) {
    await write(process.stderr, textPieces(lines));
    return exit;
  }
  const screen = stdoutScreen();
  if (!screen.isTerminal) await write(process.stdout, textPieces(lines, screen));
  else await showOnTerminal(lines, screen);
  return exit;
}

async function showOnTerminal(lines: readonly Line[], screen: Screen): Promise<void> {
  const pieces = [...textPieces(lines, screen)];
  const count = pieces.reduce((sum, piece) => sum + piece.split('\n').length - 1, 0);
  if (count >= screen.height && (await isPaged(pieces))) return;
  await write(process.stdout, pieces);
}

/** What is to be written at once; a pipe is given more when it has taken that. */
const writtenAtOnce = 1 << 16;

async function write(stream: NodeJS.WritableStream, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < writtenAtOnce) continue;
    if (!stream.write(text)) await once(stream, 'drain');
    text = '';
  }
  await new Promise<void>((resolve) => stream.write(text, () => resolve()));
}

/** Shows the text in a pager until that is closed; false when there is none. */
async function isPaged(pieces: readonly string[]): Promise<boolean> {
  const pager = await startedPager();
  if (!pager?.stdin) return false;
  const ended = once(pager, 'close');
  // One that is closed before the end is no error.
  pager.stdin.on('error', () => {});
  const ignore = () => {};
  process.on('SIGINT', ignore);
  pager.stdin.end(pieces.join(''));
  await ended;
  process.off('SIGINT', ignore);
  return true;
}

async function startedPager(): Promise<ChildProcess | undefined> {
  const chosen = process.env.PAGER;
  if (chosen === '' || chosen === 'cat') return undefined;
  const [program, args] = chosen === undefined ? ['less', []] : ['sh', ['-c', chosen]];
  const pager = spawn(program, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, LESS: process.env.LESS ?? 'FRX', LESSSECURE: '1' },
  });
  try {
    await once(pager, 'spawn');
    return pager;
  } catch {
    return undefined;
  }
}
