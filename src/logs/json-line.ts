/**
 * A line in JSON: a record of journalctl -o json, whose MESSAGE is what a program has written, or a
 * line of rater with the log format `json`.
 */

/** What a program said and when; undefined when it is nothing of which a line could tell. */
type Message = { readonly atMs: number; readonly message: string | Uint8Array | undefined };
/** A hit of rater. */
type Hit = { readonly atMs: number; readonly class: string; readonly value: string };

/** The last year of four digits ends then, as in other stamps. */
const endMs = Date.UTC(10_000, 0);

/** The instant; NaN for one that no clock has shown. */
function inCalendar(atMs: number): number {
  return atMs >= 0 && atMs < endMs ? atMs : Number.NaN;
}

/** Undefined when it is no such line. */
export function readJsonLine(text: string): Message | Hit | undefined {
  const record = parsed(text);
  if (!record) return undefined;
  const { __REALTIME_TIMESTAMP: microseconds, MESSAGE: message } = record;
  if (typeof microseconds === 'string' || typeof message === 'string') {
    const atMs = inCalendar(Math.floor(Number(microseconds ?? Number.NaN) / 1000));
    // journald writes what is not UTF-8 as an array of bytes.
    const said = Array.isArray(message) ? Uint8Array.from(message as number[]) : message;
    return {
      atMs,
      message: typeof said === 'string' || said instanceof Uint8Array ? said : undefined,
    };
  }
  const { time, msg, class: name, value } = record;
  if (typeof time !== 'string' || typeof msg !== 'string') return undefined;
  const atMs = inCalendar(Date.parse(time));
  const isHit = msg === 'hit' && typeof name === 'string' && typeof value === 'string';
  return isHit ? { atMs, class: name, value } : { atMs, message: undefined };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
