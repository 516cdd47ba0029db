/**
 * A request line, `class value`: the class up to the first space, the value all after it. A `+` in
 * front of the class says that the connection stays open as long as the client's session lasts.
 */
import type { BadLine, Line } from './raw-line.ts';

export type Request = {
  readonly class: string;
  readonly value: string;
  /** Whether the connection stands for a session. */
  readonly isSession: boolean;
};

function refusalOf({ is }: BadLine): string {
  if (is === 'too long') return 'Line is too long';
  return 'Bad input (not UTF-8)';
}

/** The request in a line, or a sentence that says why it is not one. */
export function parseRequest(line: Line): Request | string {
  if (typeof line !== 'string') return refusalOf(line);
  const space = line.indexOf(' ');
  if (space < 0) return 'Bad input (no space)';
  if (space === 0) return 'Bad input (no class)';
  if (space === line.length - 1) return 'Bad input (no value)';
  const isSession = line.startsWith('+');
  return { class: line.slice(isSession ? 1 : 0, space), value: line.slice(space + 1), isSession };
}

/** The line of a request, or undefined when its class or value cannot be sent. */
export function requestLine(request: Request): string | undefined {
  if (/^\+|[\s\0]/.test(request.class) || /[\r\n\0]/.test(request.value)) return undefined;
  if (!request.class || !request.value) return undefined;
  return `${request.isSession ? '+' : ''}${request.class} ${request.value}\n`;
}
