import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { highestCount, longestWindow } from '../../src/config/read-limits.ts';
import {
  type GroupName,
  namesIn,
  schema,
  settingRows,
  writtenAs,
} from '../../src/config/schema.ts';
import { checked } from '../config/mistakes-in.ts';

const page = readFileSync(new URL('../../man/rater.conf.5', import.meta.url), 'utf8');
const sample = readFileSync(new URL('../../etc/rater.conf', import.meta.url), 'utf8');
const groups = Object.keys(schema) as GroupName[];

/** The text under `.Ss group`, up to the next heading. */
function section(group: string): string {
  const title = group in schema ? writtenAs(group as GroupName) : group;
  return page.split(/^\.S[sh] /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

/** Setting name to its paragraph as a reader sees it, without the macros. */
function entries(group: string): Map<string, string> {
  const items = section(group)
    .split(/^\.It Ic /m)
    .slice(1);
  return new Map(
    items.map((item) => {
      const [name = '', ...lines] = item.split('\n');
      const words = lines.map((line) => line.replace(/^\.[A-Z][a-z] /, ''));
      return [name, words.join(' ').replace(/ ([.,;])/g, '$1')];
    }),
  );
}

const namedRows = settingRows().map((row) => [`${row.group}.${row.name}`, row] as const);

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

describe('man/rater.conf.5', () => {
  test.each(groups)('lists the settings of %s and no others', (group) => {
    expect([...entries(group).keys()]).toEqual(namesIn(group));
  });

  test('has no settings elsewhere', () => {
    const listed = groups.reduce((many, group) => many + entries(group).size, 0);
    expect(page.match(/^\.It Ic /gm)).toHaveLength(listed);
  });

  test.each(namedRows)('%s: its kind and its default', (_, row) => {
    const otherwise = row.isRequired ? 'required' : 'no default';
    const given = row.shownDefault === undefined ? otherwise : `default ${row.shownDefault}`;
    const begin = `${capital(row.description)}; ${given}. `;
    expect(entries(row.group).get(row.name)?.slice(0, begin.length)).toBe(begin);
  });

  test('gives the bounds of limits', () => {
    expect(section('limits')).toContain(`from 1 to ${longestWindow}`);
    expect(section('limits')).toContain(`up to ${highestCount}`);
  });
});

describe('the examples of man/rater.conf.5', () => {
  const [, examples = ''] = /^\.Sh EXAMPLES\n(.*?)^\.Sh /ms.exec(page) ?? [];
  const texts = [...examples.matchAll(/^\.Bd [^\n]*\n(.*?)^\.Ed$/gms)].map(([, text = '']) => text);
  const included = {
    'busy-senders.conf': '("joe@example.org", 3600, 500),',
    'allow.conf': '"192.0.2.0/24",',
  };

  test('are there', () => {
    expect(texts.length).toBeGreaterThanOrEqual(10);
    for (const [name, line] of Object.entries(included)) {
      expect(examples).toContain(`"${name}"`);
      expect(examples.replaceAll('\\(dq', '"').replaceAll(' \\&', '')).toContain(line.slice(0, -1));
    }
  });

  test.each(texts)('is a configuration: %j', (text) => {
    const { config, mistakes } = checked({ example: text, ...included });
    expect({ mistakes, warnings: config?.warnings }).toEqual({ mistakes: [], warnings: [] });
  });
});

/** Without the patterns' functions, which are never equal. */
function flat(config: unknown): string {
  return JSON.stringify(config, (name, value) => {
    // That is of the text, not of what it means.
    if (name === 'digest') return undefined;
    return value instanceof Map || value instanceof Set ? [...value] : value;
  });
}

describe('etc/rater.conf', () => {
  test.each(namedRows)('shows %s with its default', (_, { group, name, shownDefault }) => {
    // A group within another has names of its own.
    const text = sample.split(new RegExp(`^${group} +: {`, 'm')).at(-1) as string;
    const written = new RegExp(`\\b${name}: (\\([^)]*\\)|[^;]*);`).exec(text)?.[1];
    expect(written).toBeDefined();
    const isFree = shownDefault === undefined || ['control', 'load_below'].includes(name);
    if (!isFree) expect([written, written?.replaceAll(/^"|"$/g, '')]).toContain(shownDefault);
  });

  test('means the same when its comments are taken away', () => {
    const names = settingRows().map(({ name }) => name);
    let taken = 0;
    const bare = sample.replaceAll(/^( +)# ((\w+): .*;)$/gm, (line, space, setting, name) => {
      if (!names.includes(name) || setting.includes('...') || name === 'control') return line;
      taken += 1;
      return space + setting;
    });
    expect(taken).toBeGreaterThan(25);
    const { config, mistakes } = checked({ sample: bare });
    expect(mistakes).toEqual([]);
    expect(flat(config)).toEqual(flat(checked({ sample }).config));
  });
});
