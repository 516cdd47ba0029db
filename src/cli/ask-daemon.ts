/**
 * Has the running daemon carry out a command. Resolves to undefined when none is running: only then
 * may the command work on the store itself.
 */
import { connect } from 'node:net';
import type { Outcome } from '../commands/command.ts';
import type { CommandCall } from '../commands/commands.ts';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';

const usualTimeoutMs = 30_000;

/** How connecting fails when no daemon is behind the socket. */
const nobodyThere = new Set(['ENOENT', 'ECONNREFUSED']);

/** Whether what came is an answer of rater, as far as it must be to be shown. */
function isOutcome(value: unknown): value is Outcome {
  const outcome = value as Partial<Outcome> | null;
  return (
    typeof outcome?.exit === 'number' && Array.isArray(outcome.lines) && outcome.lines.every(isLine)
  );
}

function isLine(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return true;
  const line = value as { rows?: unknown; columns?: unknown; pieces?: unknown } | null;
  return Array.isArray(line?.pieces) || (Array.isArray(line?.rows) && Array.isArray(line?.columns));
}

/** @throws Fault `notPermitted`, `daemon` */
export function askDaemon(
  path: string,
  call: CommandCall,
  timeoutMs = usualTimeoutMs,
): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const received: Buffer[] = [];
    const fail = (detail: string, cause?: unknown) => {
      socket.destroy();
      reject(new Fault('daemon', `${path}: ${detail}`, cause));
    };
    socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs / 1000} seconds`));
    socket.on('connect', () => socket.end(`${JSON.stringify(call)}\n`));
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('end', () => {
      let answer: unknown;
      try {
        answer = JSON.parse(Buffer.concat(received).toString('utf8'));
      } catch (error) {
        return fail('it closed before its answer was complete', error);
      }
      if (isOutcome(answer)) resolve(answer);
      else fail('its answer is none of rater');
    });
    socket.on('error', (error) => {
      const errno = errnoOf(error) ?? '';
      if (nobodyThere.has(errno)) resolve(undefined);
      else if (errno === 'EACCES') reject(new Fault('notPermitted', reasonOf(error), error));
      else fail(reasonOf(error), error);
    });
  });
}
