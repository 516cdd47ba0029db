/**
 * What happened, one event a line. Fields may hold bytes from the network: every format escapes
 * characters that could forge a line or drive a terminal.
 */

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** Undefined while switched off, so that callers do not even put the fields together. */
  readonly debug?: ((event: string, fields?: Fields) => void) | undefined;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

const plainValue = /^[\w.:/@+,-]+$/;
const longestValue = 200;
/** Control characters, line separators and characters that turn the direction of writing. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** As in JSON: a character beyond 16 bits is two escapes. */
function escapeCharacter(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** `text` on one line, without terminal controls. JSON keeps its meaning. */
export function printable(text: string): string {
  return text.replace(unprintable, escapeCharacter);
}

/** `text` capped, without terminal controls, in double quotes when it needs them. */
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
