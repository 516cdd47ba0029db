/** In what two configurations differ, for people. */
import type { Limit } from '../core/limits.ts';
import { camelCase } from './camel-case.ts';
import type { Config, LimitClass } from './config.ts';
import { settingRows, writtenAs } from './schema.ts';
import { singleRows, writtenValue } from './setting-values.ts';

/** A value that is longer is only said to have changed. */
const longestValue = 80;

/** `settings.max_age 90 -> 60`, `limits.ip`, `allow +192.0.2.1`: one text for each change. */
export function configChanges(before: Config, after: Config): string[] {
  const settings = singleRows.flatMap((row) => {
    const [from, to] = [before, after].map(({ written }) => writtenValue(written, row));
    return changeOf(`${row.group}.${row.name}`, from, to);
  });
  const names = new Set([...before.classes.keys(), ...after.classes.keys()]);
  const classes = [...names].flatMap((name) => {
    return classChanges(name, before.classes.get(name), after.classes.get(name));
  });
  return [...settings, ...classes, ...allowChanges(before, after)];
}

function classChanges(
  name: string,
  before: LimitClass | undefined,
  after: LimitClass | undefined,
): string[] {
  const limits = changeOf(`limits.${name}`, limitsOf(before), limitsOf(after));
  if (!before || !after) return limits;
  const traits = settingRows().filter(({ group }) => group === 'class');
  const changed = traits.flatMap((row) => {
    const [from, to] = [before, after].map((known) => {
      return (known as Readonly<Record<string, unknown>>)[camelCase(row.name)];
    });
    return changeOf(`${writtenAs('class', name)}.${row.name}`, from, to);
  });
  return [...limits, ...changed];
}

function limitsOf(known: LimitClass | undefined): string | undefined {
  return known && `(${known.limits.map(limitText).join(', ')})`;
}

function limitText({ pattern, rates }: Limit): string {
  return `(${[JSON.stringify(pattern.text), ...rates.map(rateText)].join(', ')})`;
}

function rateText({ seconds, count }: Limit['rates'][number]): string {
  return `${seconds}, ${count}`;
}

function allowChanges(before: Config, after: Config): string[] {
  const [was, is] = [before, after].map(({ allow }) => new Set(allow.map(({ text }) => text)));
  const added = [...(is ?? [])].filter((text) => !was?.has(text)).map((text) => `+${text}`);
  const removed = [...(was ?? [])].filter((text) => !is?.has(text)).map((text) => `-${text}`);
  return [...added, ...removed].map((change) => `allow ${change}`);
}

function changeOf(name: string, from: unknown, to: unknown): string[] {
  const [old, now] = [from, to].map(textOf) as [string, string];
  if (old === now) return [];
  const change = `${old} -> ${now}`;
  return [change.length > longestValue ? name : `${name} ${change}`];
}

function textOf(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
