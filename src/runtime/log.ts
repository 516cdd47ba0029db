/**
 * What happened, one event a line. Fields may hold bytes from the network: every format escapes
 * what could forge a line or drive a terminal.
 */

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** Undefined while nobody wants it: then what it would say is not even put together. */
  readonly debug?: ((event: string, fields?: Fields) => void) | undefined;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

const plainValue = /^[\w.:/@+,-]+$/;
const longestValue = 200;
/** Control characters, line separators and what turns the direction of writing. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** As in JSON: one beyond 16 bits is two escapes. */
function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** `text` on one line, with nothing in it that drives a terminal. What is JSON means the same. */
export function printable(text: string): string {
  return text.replace(unprintable, escapeCharacter);
}

/** `text` in double quotes when it needs them, capped, with nothing that drives a terminal. */
export function quoted(text: string): string {
  if (plainValue.test(text) && text.length <= longestValue) return text;
  const capped = text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
  return printable(JSON.stringify(capped));
}

/** ` name=value name=value`; undefined fields are left out. */
export function fieldsText(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quoted(String(value))}`)
    .join('');
}
