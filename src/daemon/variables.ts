/**
 * What `var` shows and changes: every setting as it is in use, and the switches that only a
 * running daemon has.
 *
 * Guarantee: a change is checked like a value in the configuration, and logged. It changes only the
 * copy in use, so a reload undoes it. Switches are not in the configuration and survive a reload.
 */
import type { Variable, Variables } from '../commands/running-daemon.ts';
import { camelCase } from '../config/camel-case.ts';
import { type Config, configOf, type LimitClass } from '../config/config.ts';
import { readWords } from '../config/read-words.ts';
import { type SettingRow, settingRows, writtenAs } from '../config/schema.ts';
import { singleRows, withValue, writtenValue } from '../config/setting-values.ts';
import { boolean } from '../config/value-kinds.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { operator } from '../history/history.ts';
import { Fault } from '../runtime/errors.ts';
import { type Log, quoted } from '../runtime/log.ts';

export type VariablesParts = {
  readonly gatekeeper: Gatekeeper;
  readonly log: Log;
  /** As the file has it. */
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
  /** Undefined when fixed while rater runs. Says whether the words were a valid value. */
  readonly set: ((words: readonly string[]) => boolean) | undefined;
};

/** Where a setting's value stands in a Config. */
type Place = {
  readonly name: string;
  get(config: Config): unknown;
  /** A copy with another value, which must be one of the setting's kind. */
  put(config: Config, value: unknown): Config;
};

const classRows = settingRows().filter(({ group }) => group === 'class');

function textOf(value: unknown): string {
  if (value === undefined) return '-';
  if (Array.isArray(value)) return `(${value.map(textOf).join(', ')})`;
  return quoted(String(value));
}

function placeOf(row: SettingRow): Place {
  return {
    name: `${row.group}.${row.name}`,
    get: ({ written }) => writtenValue(written, row),
    put: (config, value) => configOf(config, withValue(config.written, row, value)),
  };
}

/** `known` is the class as it is in use. */
function placeInClass(row: SettingRow, known: LimitClass): Place {
  const key = camelCase(row.name);
  return {
    name: `${writtenAs('class', known.name)}.${row.name}`,
    get: ({ classes }) => {
      const values: Readonly<Record<string, unknown>> = classes.get(known.name) ?? known;
      return values[key];
    },
    put: (config, value) => {
      const changed = { ...known, [key]: value };
      return { ...config, classes: new Map(config.classes).set(known.name, changed) };
    },
  };
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

  set(name: string, words: readonly string[], by = operator): Variable {
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
    const to = textOf(now.value());
    this.#parts.log.warn('changed', { name: entry.name, from, to });
    const { history } = this.#parts.gatekeeper;
    history.note({ event: 'changed', value: entry.name, by, reason: `${from} -> ${to}` });
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
    const classes = [...this.#parts.inUse().classes.values()];
    return [
      this.#enforce(),
      ...singleRows.map((row) => this.#setting(row, placeOf(row))),
      ...classes.flatMap((known) => {
        return classRows.map((row) => this.#setting(row, placeInClass(row, known)));
      }),
    ];
  }

  #enforce(): Entry {
    const { gatekeeper } = this.#parts;
    const switchWord = () => (gatekeeper.verdicts.isEnforcing ? 'on' : 'off');
    return {
      name: 'enforce',
      kind: 'on or off',
      summary: 'off: limits refuse and block nobody, they only log; blocks in force stay',
      value: switchWord,
      configured: switchWord,
      set: (words) => {
        const value = readWords(boolean, words);
        if (value !== undefined) gatekeeper.verdicts.isEnforcing = value;
        return value !== undefined;
      },
    };
  }

  #setting({ kind, summary, changes }: SettingRow, { name, get, put }: Place): Entry {
    const { configured, inUse, use } = this.#parts;
    const set = (words: readonly string[]) => {
      const value = readWords(kind, words);
      if (value !== undefined) use(put(inUse(), value));
      return value !== undefined;
    };
    const valueIn = (config: Config) => {
      const value = get(config);
      return value === undefined ? value : (kind.format?.(value) ?? value);
    };
    return {
      name,
      kind: kind.description,
      summary,
      value: () => valueIn(inUse()),
      configured: () => valueIn(configured()),
      set: changes === 'live' ? set : undefined,
    };
  }
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
