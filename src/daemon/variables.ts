/**
 * What `var` shows and changes: every setting as it is in use, and the switches that only a
 * running daemon has.
 *
 * Guarantee: a change is checked like the configuration's own value, and logged. What it changed
 * is the copy in use: reading the configuration again undoes it. Switches are not in the
 * configuration and stay.
 */
import type { Variable, Variables } from '../commands/running-daemon.ts';
import type { Config } from '../config/config.ts';
import { readWords } from '../config/read-words.ts';
import { type GroupName, schema, type Table } from '../config/schema.ts';
import { classValues, type SettingValue, settingValues } from '../config/setting-values.ts';
import { boolean, type Kind } from '../config/value-kinds.ts';
import type { LimitClass } from '../core/limits.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { Fault } from '../runtime/errors.ts';
import { type Log, quoted } from '../runtime/log.ts';

export type VariablesParts = {
  readonly gatekeeper: Gatekeeper;
  readonly log: Log;
  /** As the file says. */
  readonly configured: () => Config;
  readonly inUse: () => Config;
  /** Takes a changed copy of `inUse` into use. */
  readonly use: (config: Config) => void;
};

/** A variable and how it is changed. */
type Entry = {
  readonly name: string;
  readonly kind: string;
  readonly summary: string;
  value(): unknown;
  configured(): unknown;
  /** Undefined: not while rater runs. Says whether the words were a value. */
  readonly set: ((words: readonly string[]) => boolean) | undefined;
};

// biome-ignore lint/suspicious/noExplicitAny: rows of every kind of value are in one table
type AnyValue<Whole> = SettingValue<Whole, any>;

function textOf(value: unknown): string {
  if (value === undefined) return '-';
  if (Array.isArray(value)) return `(${value.map(textOf).join(', ')})`;
  return quoted(String(value));
}

function withClass(config: Config, known: LimitClass): Config {
  return { ...config, classes: new Map(config.classes).set(known.name, known) };
}

export class LiveVariables implements Variables {
  readonly #parts: VariablesParts;

  constructor(parts: VariablesParts) {
    this.#parts = parts;
  }

  all(): Variable[] {
    return this.#entries().map(shown);
  }

  get(name: string): Variable {
    return shown(this.#find(name));
  }

  set(name: string, words: readonly string[]): Variable {
    const entry = this.#find(name);
    if (!entry.set) throw new Fault('usage', `${entry.name} cannot change while rater runs`);
    const from = textOf(entry.value());
    if (!entry.set(words)) {
      throw new Fault(
        'usage',
        `${entry.name} must be ${entry.kind}, not ${quoted(words.join(' '))}`,
      );
    }
    const now = this.#find(entry.name);
    this.#parts.log.warn('changed', { name: entry.name, from, to: textOf(now.value()) });
    return shown(now);
  }

  #find(name: string): Entry {
    const entries = this.#entries();
    const exact = entries.find((entry) => entry.name === name);
    if (exact) return exact;
    const [first, second] = entries.filter((entry) => entry.name.endsWith(`.${name}`));
    if (!first) throw new Fault('usage', `no such variable: ${quoted(name)}`);
    if (second) {
      throw new Fault('usage', `${quoted(name)} may be ${first.name} or ${second.name}`);
    }
    return first;
  }

  #entries(): Entry[] {
    return [this.#enforce(), ...this.#settings(), ...this.#classes()];
  }

  #enforce(): Entry {
    const { gatekeeper } = this.#parts;
    const switchWord = () => (gatekeeper.verdicts.isEnforcing ? 'on' : 'off');
    return {
      name: 'enforce',
      kind: 'on or off',
      summary: 'off: limits refuse and block nobody, they only tell; blocks in force stay',
      value: switchWord,
      configured: switchWord,
      set: (words) => {
        const value = readWords(boolean, words);
        if (value !== undefined) gatekeeper.verdicts.isEnforcing = value;
        return value !== undefined;
      },
    };
  }

  #settings(): Entry[] {
    const { configured, inUse, use } = this.#parts;
    return Object.entries(settingValues).flatMap(([group, values]) => {
      return Object.entries(values).map(([name, value]: [string, AnyValue<Config>]): Entry => {
        const row = (schema[group as GroupName] as Table)[name];
        const { set } = value;
        return {
          name: `${group}.${name}`,
          kind: row?.kind.description ?? '',
          summary: row?.summary ?? '',
          value: () => value.get(inUse()),
          configured: () => value.get(configured()),
          set: set && ((words) => change(row?.kind, words, (read) => use(set(inUse(), read)))),
        };
      });
    });
  }

  #classes(): Entry[] {
    return [...this.#parts.inUse().classes.values()].flatMap((known) => this.#class(known));
  }

  #class(known: LimitClass): Entry[] {
    const { configured, inUse, use } = this.#parts;
    return Object.entries(classValues).map(([name, value]: [string, AnyValue<LimitClass>]) => {
      const row = (schema.class as Table)[name];
      const { set } = value;
      return {
        name: `classes.${known.name}.${name}`,
        kind: row?.kind.description ?? '',
        summary: row?.summary ?? '',
        value: () => value.get(inUse().classes.get(known.name) ?? known),
        configured: () => value.get(configured().classes.get(known.name) ?? known),
        set:
          set &&
          ((words) =>
            change(row?.kind, words, (read) => {
              use(withClass(inUse(), set(known, read)));
            })),
      };
    });
  }
}

function change<Value>(
  kind: Kind<Value> | undefined,
  words: readonly string[],
  use: (value: Value) => void,
): boolean {
  const value = kind && readWords(kind, words);
  if (value === undefined) return false;
  use(value);
  return true;
}

function shown(entry: Entry): Variable {
  const [value, configured] = [textOf(entry.value()), textOf(entry.configured())];
  return {
    name: entry.name,
    value,
    configured: value === configured ? undefined : configured,
    isLive: entry.set !== undefined,
    kind: entry.kind,
    summary: entry.summary,
  };
}
