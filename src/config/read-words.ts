/**
 * Reads a setting's value from words that a person typed, by the kind that the schema gives it:
 * every value is typed as in the configuration, but without quotes and parentheses.
 */
import type { ConfigNode, ScalarNode } from './libconfig.ts';
import type { Kind } from './value-kinds.ts';

/** Relative paths would start here, but no setting that can be typed is a path. */
const place = { file: 'control shell' };

const switches: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  false: false,
  off: false,
  no: false,
};

/** All that a word may mean, the narrowest first. */
function nodesFor(word: string): ScalarNode[] {
  const nodes: ScalarNode[] = [];
  const value = Object.hasOwn(switches, word) ? switches[word] : undefined;
  if (value !== undefined) nodes.push({ kind: 'boolean', place, value });
  if (/^-?\d{1,15}$/.test(word))
    nodes.push({ kind: 'int', place, value: Number(word), text: word });
  if (/^-?\d{1,15}\.\d{1,15}$/.test(word)) {
    nodes.push({ kind: 'float', place, value: Number(word), text: word });
  }
  return [...nodes, { kind: 'string', place, value: word }];
}

/** The value; undefined when the words are not of this kind. Several words are a list. */
export function readWords<Value>(kind: Kind<Value>, words: readonly string[]): Value | undefined {
  const [word] = words;
  if (word === undefined) return undefined;
  const nodes: ConfigNode[] =
    words.length === 1
      ? nodesFor(word)
      : [{ kind: 'list', place, items: words.flatMap((each) => nodesFor(each).slice(0, 1)) }];
  for (const node of nodes) {
    const value = kind.read(node);
    if (value !== undefined) return value;
  }
  return undefined;
}
