/**
 * A parser for libconfig syntax: a file becomes a tree whose nodes know where they were written.
 *
 * Guarantee: no content of a file makes it throw. A syntax mistake costs at most its setting: that
 * becomes a `broken` node and parsing goes on with the next setting, so one run shows all mistakes.
 * Depth is bounded, so no file can exhaust the stack.
 *
 * A value may be followed by `;`, `,` or nothing, and a list may end in a comma, as in libconfig 1.x.
 */
import { type ReadFiles, type Token, tokensOf } from './libconfig-tokens.ts';
import { type Mistakes, type Place, quotedValue } from './mistakes.ts';

export type Setting = { readonly name: string; readonly place: Place; readonly value: ConfigNode };

export type GroupNode = {
  readonly kind: 'group';
  readonly place: Place;
  readonly settings: ReadonlyMap<string, Setting>;
};
export type SequenceNode = {
  /** A list `()` holds anything; an array `[]` only scalars of one kind. */
  readonly kind: 'list' | 'array';
  readonly place: Place;
  readonly items: readonly ConfigNode[];
};
export type ScalarNode = { readonly place: Place } & (
  | { readonly kind: 'string'; readonly value: string }
  /** `text` is the number as written: a leading zero matters to modes. */
  | { readonly kind: 'int' | 'float'; readonly value: number; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
);
/** A value with a mistake that has been reported already. */
export type BrokenNode = { readonly kind: 'broken'; readonly place: Place };

export type ConfigNode = GroupNode | SequenceNode | ScalarNode | BrokenNode;

const deepestNesting = 32;
const closers = { '{': '}', '(': ')', '[': ']' } as const;

type Opener = keyof typeof closers;

function isOpener(text: string): text is Opener {
  return text in closers;
}

function isScalar(node: ConfigNode): node is ScalarNode {
  return !('items' in node) && !('settings' in node) && node.kind !== 'broken';
}

/** Whether there is a broken node in it: then its mistake has been reported. */
export function hasBroken(node: ConfigNode): boolean {
  return node.kind === 'broken' || ('items' in node && node.items.some(hasBroken));
}

/** A token in a message. */
function called(token: Token): string {
  if (token.kind === 'end') return 'the end';
  return token.kind === 'string' ? `string ${quotedValue(token.text)}` : quotedValue(token.text);
}

class Parser {
  readonly #tokens: Generator<Token, never>;
  readonly #file: string;
  readonly #mistakes: Mistakes;
  #current: Token;
  #following: Token;

  constructor(file: string, mistakes: Mistakes, files: ReadFiles) {
    this.#file = file;
    this.#tokens = tokensOf(file, mistakes, files);
    this.#mistakes = mistakes;
    this.#current = this.#tokens.next().value;
    this.#following = this.#tokens.next().value;
  }

  file(): GroupNode {
    const place = { file: this.#file };
    const settings = new Map<string, Setting>();
    for (;;) {
      this.#settings(settings, 0);
      if (this.#current.kind === 'end') return { kind: 'group', place, settings };
      this.#complain('a closing "}" too many');
      this.#advance();
      this.#accept(';', ',');
    }
  }

  #advance(): Token {
    const token = this.#current;
    this.#current = this.#following;
    this.#following = this.#tokens.next().value;
    return token;
  }

  #is(...texts: string[]): boolean {
    return this.#current.kind === 'punctuation' && texts.includes(this.#current.text);
  }

  #accept(...texts: string[]): boolean {
    if (!this.#is(...texts)) return false;
    this.#advance();
    return true;
  }

  /** Reports a mistake at the current token, unless the token itself was reported. */
  #complain(text: string): void {
    if (this.#current.kind !== 'bad') this.#mistakes.add(this.#current.place, text);
  }

  #startsSetting(): boolean {
    const { kind, text } = this.#following;
    return this.#current.kind === 'name' && kind === 'punctuation' && /[:=]/.test(text);
  }

  /** Skips to the next setting of this group, its end, or the end of the file. */
  #recover(): void {
    for (let depth = 0; this.#current.kind !== 'end'; this.#advance()) {
      if (depth === 0 && (this.#is('}') || this.#startsSetting())) return;
      if (this.#is('{')) depth += 1;
      if (this.#is('}')) depth -= 1;
    }
  }

  #settings(settings: Map<string, Setting>, depth: number): void {
    while (this.#current.kind !== 'end' && !this.#is('}')) {
      if (this.#current.kind !== 'name') {
        this.#complain(`expected a setting, not ${called(this.#current)}`);
        this.#recover();
        continue;
      }
      const setting = this.#setting(depth);
      const first = settings.get(setting.name);
      if (!first) settings.set(setting.name, setting);
      else
        this.#mistakes.add(
          setting.place,
          `${setting.name} was set before, ${from(first, setting)}`,
        );
    }
  }

  #setting(depth: number): Setting {
    const { text: name, place } = this.#advance();
    if (!this.#accept(':', '=')) {
      this.#complain(`expected ":" after ${name}, not ${called(this.#current)}`);
      this.#recover();
      return { name, place, value: { kind: 'broken', place } };
    }
    const value = this.#value(name, depth);
    if (value) this.#accept(';', ',');
    else this.#recover();
    return { name, place, value: value ?? { kind: 'broken', place } };
  }

  /** The value at the current token; undefined when the rest of the setting makes no sense. */
  #value(of: string, depth: number): ConfigNode | undefined {
    const token = this.#current;
    const { place } = token;
    if (token.kind === 'string') return this.#string();
    if (token.kind === 'bad' || (token.kind === 'name' && !this.#startsSetting())) {
      this.#complain(`${quotedValue(token.text)} is no value; a text needs quotes`);
      this.#advance();
      return { kind: 'broken', place };
    }
    if (token.kind === 'int' || token.kind === 'float' || token.kind === 'boolean') {
      this.#advance();
      return token;
    }
    if (token.kind !== 'punctuation' || !isOpener(token.text)) {
      this.#complain(`expected a value of ${of}, not ${called(token)}`);
      return undefined;
    }
    if (depth === deepestNesting) {
      this.#complain(`nested deeper than ${deepestNesting} levels`);
      return undefined;
    }
    this.#advance();
    return token.text === '{'
      ? this.#group(place, depth)
      : this.#sequence(token.text, place, of, depth);
  }

  #string(): ScalarNode {
    const { place } = this.#current;
    let value = '';
    while (this.#current.kind === 'string') value += this.#advance().text;
    return { kind: 'string', value, place };
  }

  #group(place: Place, depth: number): GroupNode {
    const settings = new Map<string, Setting>();
    this.#settings(settings, depth + 1);
    if (!this.#accept('}')) this.#mistakes.add(place, '"{" is not closed');
    return { kind: 'group', place, settings };
  }

  #sequence(opener: '(' | '[', place: Place, of: string, depth: number): ConfigNode | undefined {
    const closer = closers[opener];
    const items: ConfigNode[] = [];
    while (!this.#accept(closer)) {
      if (items.length > 0 && !this.#accept(',')) {
        this.#complain(`expected "," or "${closer}", not ${called(this.#current)}`);
        return undefined;
      }
      if (items.length > 0 && this.#accept(closer)) break;
      const item = this.#value(of, depth + 1);
      if (!item) return undefined;
      items.push(item);
    }
    if (opener === '(') return { kind: 'list', place, items };
    const isBroken = items.some((item) => item.kind === 'broken');
    if (isBroken) return { kind: 'broken', place };
    const [first] = items;
    if (items.every((item) => isScalar(item) && item.kind === first?.kind)) {
      return { kind: 'array', place, items };
    }
    this.#mistakes.add(place, 'an array [ ] holds numbers, strings or booleans of one kind');
    return { kind: 'broken', place };
  }
}

function from(first: Setting, again: Setting): string {
  const { file, line } = first.place;
  return file === again.place.file ? `on line ${line}` : `in ${file} on line ${line}`;
}

/**
 * Parses `file`; adds it and what it includes to `files`, and its mistakes to
 * `mistakes`. The tree holds everything else.
 */
export function parseLibconfig(
  file: string,
  mistakes: Mistakes,
  files: ReadFiles = new Map(),
): GroupNode {
  return new Parser(file, mistakes, files).file();
}
