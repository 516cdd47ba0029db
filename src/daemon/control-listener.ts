/**
 * The operator's socket: a command a line, as JSON, answered by its outcome in one line of JSON.
 *
 * SECURITY: who may connect may block and unblock; the socket's mode 0600 decides who that is.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { CommandContext } from '../commands/command.ts';
import { type CommandCall, runCommand } from '../commands/commands.ts';
import { exitCodes } from '../errors.ts';
import { type Line, LineSplitter } from '../wire/line-splitter.ts';

/** Room for a command with tens of thousands of addresses. */
const longestCommand = 1 << 20;

function isCall(value: unknown): value is CommandCall {
  const call = value as Partial<CommandCall> | null;
  return (
    typeof call?.command === 'string' &&
    Array.isArray(call.arguments) &&
    call.arguments.every((argument) => typeof argument === 'string') &&
    typeof call.options === 'object' &&
    call.options !== null
  );
}

function callIn(line: Line): CommandCall | undefined {
  if (line === 'too long') return undefined;
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return isCall(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const notACall = { exit: exitCodes.operator.code, lines: ['rater: error: not a command'] };

async function answer(socket: Socket, line: Line, context: CommandContext): Promise<void> {
  const call = callIn(line);
  const outcome = call ? await runCommand(call, context) : notACall;
  if (socket.writable) socket.write(`${JSON.stringify(outcome)}\n`);
}

/** A server for the control socket. */
export function controlListener(context: () => CommandContext): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    const lines = new LineSplitter(longestCommand);
    let last = Promise.resolve();
    socket.on('data', (chunk) => {
      for (const line of lines.push(chunk)) last = last.then(() => answer(socket, line, context()));
    });
    socket.on('end', () => void last.then(() => socket.end()));
    socket.on('error', () => socket.destroy());
  });
}
