/**
 * What a setting's value may be: how a kind is described, and how it is read from the tree.
 *
 * A value that is not of its kind reads as undefined. The message is the same for all kinds,
 * `NAME must be DESCRIPTION, not WHAT WAS WRITTEN`, so the description must say everything.
 */
import { dirname, resolve } from 'node:path';
import { parseAddress } from '../core/address.ts';
import type { ConfigNode } from './libconfig.ts';
import { quotedValue } from './mistakes.ts';

export type Kind<Value> = {
  /** A noun phrase, also found in rater.conf(5). */
  readonly description: string;
  read(node: ConfigNode): Value | undefined;
  /** How `var` shows it, if not as it is. */
  format?(value: Value): string;
};

/** sockaddr_un holds 108 bytes with the final NUL. */
const longestSocketPath = 107;

const longestList = 60;

/** A value in a message. */
export function shown(node: ConfigNode): string {
  if (node.kind === 'string') return quotedValue(node.value);
  if (node.kind === 'int' || node.kind === 'float') return node.text;
  if (node.kind === 'boolean') return String(node.value);
  const kind = node.kind === 'array' ? 'an array' : `a ${node.kind}`;
  if (!('items' in node)) return kind;
  // A short one of plain values is shown as it is written.
  const isPlain = node.items.length <= longestList && node.items.every((item) => 'value' in item);
  const text = isPlain ? node.items.map(shown).join(', ') : '';
  if (!isPlain || text.length > longestList) return kind;
  return node.kind === 'array' ? `[${text}]` : `(${text})`;
}

/**
 * The same of a value that is not of a kind: a list that is too long to be shown is called by the
 * first item that keeps it from being so, because most of the list may be right.
 */
export function shownAgainst(kind: Kind<unknown>, node: ConfigNode): string {
  const text = shown(node);
  if (!('items' in node) || /^[[(]/.test(text)) return text;
  const { items } = node;
  // So many items are right, and so many are not: halved, because a list may have very many.
  let [right, wrong] = [0, items.length];
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    const isRight = kind.read({ ...node, items: items.slice(0, middle) }) !== undefined;
    if (isRight) right = middle;
    else wrong = middle;
  }
  const item = items[wrong - 1];
  return item ? `${text} whose item ${wrong} is ${shown(item)}` : text;
}

/** `[min, max]`; a leading zero is refused, because versions of libconfig disagree about it. */
export function readInt(node: ConfigNode, min: number, max: number): number | undefined {
  if (node.kind !== 'int' || /^[-+]?0\d/.test(node.text)) return undefined;
  return node.value >= min && node.value <= max ? node.value : undefined;
}

function readText(node: ConfigNode): string | undefined {
  return node.kind === 'string' && node.value !== '' ? node.value : undefined;
}

/** An absolute path; a relative one starts at the directory of the file that it is written in. */
function readPath(node: ConfigNode): string | undefined {
  const text = readText(node);
  return text === undefined ? undefined : resolve(dirname(node.place.file), text);
}

export const path: Kind<string> = { description: 'a path', read: readPath };

export const socketPath: Kind<string> = {
  description: `a path of at most ${longestSocketPath} bytes in full`,
  read(node) {
    const full = readPath(node);
    return full && Buffer.byteLength(full) <= longestSocketPath ? full : undefined;
  },
};

export const databasePath: Kind<string> = {
  description: 'a path or ":memory:"',
  read: (node) => (readText(node) === ':memory:' ? ':memory:' : readPath(node)),
};

export function int(min: number, max: number): Kind<number> {
  return {
    description: `a whole number from ${min} to ${max}`,
    read: (node) => readInt(node, min, max),
  };
}

export function seconds(min: number, max: number): Kind<number> {
  return {
    description: `a whole number of seconds from ${min} to ${max}`,
    read: (node) => readInt(node, min, max),
  };
}

/** A whole or decimal number. */
export function number(min: number, max: number): Kind<number> {
  return {
    description: `a number from ${min} to ${max}`,
    read(node) {
      if (node.kind !== 'int' && node.kind !== 'float') return undefined;
      return node.value >= min && node.value <= max ? node.value : undefined;
    },
  };
}

/** One whole number of seconds, or a list of them in rising order. */
export function steps(min: number, max: number): Kind<readonly number[]> {
  return {
    description: `a whole number of seconds from ${min} to ${max}, or a rising list of them`,
    read(node) {
      const items = node.kind === 'list' || node.kind === 'array' ? node.items : [node];
      const read = items.map((item) => readInt(item, min, max) ?? Number.NaN);
      const isRising = read.every((value, index) => value >= (read[index - 1] ?? min));
      return isRising && read.length > 0 ? read : undefined;
    },
  };
}

/** Text for the rest of an SMTP reply: printable ASCII, safe in a shell's single quotes. */
export const replyText: Kind<string> = {
  description: 'a text of at most 400 printable ASCII characters without quotes or backslashes',
  read(node) {
    const text = readText(node);
    return text && /^[ -~]{1,400}$/.test(text) && !/['"\\]/.test(text) ? text : undefined;
  },
};

export const port: Kind<number> = {
  description: 'a port from 1 to 65535',
  read: (node) => readInt(node, 1, 65_535),
};

/** Permission bits. A bare 660 or 0660 means the same as to chmod(1). */
export const mode: Kind<number> = {
  description: 'an octal mode such as "0660"',
  read(node) {
    const digits = node.kind === 'string' ? node.value : node.kind === 'int' ? node.text : '';
    return /^0{0,2}[0-7]{1,3}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
  },
  format: (bits) => `0${bits.toString(8)}`,
};

export const boolean: Kind<boolean> = {
  description: 'true or false',
  read: (node) => (node.kind === 'boolean' ? node.value : undefined),
};

export function oneOf<const Name extends string>(...names: readonly Name[]): Kind<Name> {
  const listed = names.map((name) => `"${name}"`);
  return {
    description: `${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`,
    read: (node) => names.find((name) => node.kind === 'string' && node.value === name),
  };
}

/** Kept as written, because a listener may need its zone. */
export const ipAddress: Kind<string> = {
  description: 'an IP address',
  read: (node) => (node.kind === 'string' && parseAddress(node.value) ? node.value : undefined),
};

export const userGroup: Kind<string> = {
  description: 'the name or number of a group',
  read: (node) => readText(node) ?? readInt(node, 0, 0xffff_fffe)?.toString(),
};

/** One string, or a list or array of them. */
export const names: Kind<readonly string[]> = {
  description: 'a list of strings',
  read(node) {
    if (node.kind === 'string') return [node.value];
    if (node.kind !== 'list' && node.kind !== 'array') return undefined;
    const texts = node.items.map((item) => (item.kind === 'string' ? item.value : undefined));
    return texts.every((text) => text !== undefined) ? texts : undefined;
  },
};

/** Run without a shell, so a single string is the program's path, spaces and all. */
export const command: Kind<readonly string[]> = {
  description: 'a program and its arguments as a list of strings',
  read(node) {
    const words = names.read(node);
    return words?.[0] ? words : undefined;
  },
};
