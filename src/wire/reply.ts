/**
 * A reply line. Its first character is the status, which clients use as exit code:
 * `0 3/10` within, `1 12/10` exceeded, `1 12/10 118` exceeded and blocked for 118 more seconds,
 * `2 message` error. A limit of `-` means no limit.
 */
import { quoted } from '../runtime/log.ts';

export type Reply =
  | {
      readonly status: 0 | 1;
      readonly count: number;
      /** -1 when unlimited. */
      readonly limit: number;
      /** Seconds that a block still lasts, when there is one. */
      readonly secondsLeft?: number | undefined;
    }
  | { readonly status: 2; readonly message: string };

/** In UTF-16, each unit of which is at most three bytes. */
const longestMessage = 300;
/** Bytes that a line of a reply takes at most. */
export const longestReply = longestMessage * 3 + 4;
const form = /^([01]) (\d+)\/(\d+|-)(?: (\d+))?$/;

/** The reply as a line with CRLF. */
export function replyLine(reply: Reply): string {
  if (reply.status === 2) return `2 ${reply.message.slice(0, longestMessage)}\r\n`;
  const limit = reply.limit < 0 ? '-' : reply.limit;
  const left = reply.secondsLeft === undefined ? '' : ` ${reply.secondsLeft}`;
  return `${reply.status} ${reply.count}/${limit}${left}\r\n`;
}

/** The reply in a line without its end, or undefined when the line is not a reply. */
export function parseReply(line: string): Reply | undefined {
  if (line.startsWith('2 ')) return { status: 2, message: line.slice(2) };
  const [, status, count, limit, left] = form.exec(line) ?? [];
  if (status === undefined) return undefined;
  return {
    status: status === '0' ? 0 : 1,
    count: Number(count),
    limit: limit === '-' ? -1 : Number(limit),
    secondsLeft: left === undefined ? undefined : Number(left),
  };
}

/** An error reply; `detail` may come from the network. */
export function errorReply(sentence: string, detail?: string): Reply {
  return { status: 2, message: detail === undefined ? sentence : `${sentence}: ${quoted(detail)}` };
}
