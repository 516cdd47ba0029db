/**
 * Reads a group of the tree by its table in the schema.
 */
import { didYouMean } from './closest-name.ts';
import { type GroupNode, hasBroken } from './libconfig.ts';
import type { Mistakes, Place } from './mistakes.ts';
import { type GroupName, namesIn, schema, type Table, type ValuesOf, writtenAs } from './schema.ts';
import { shown, shownAgainst } from './value-kinds.ts';

/** The group in which a misplaced name would be right. */
function homeOf(name: string): string | undefined {
  const groups = Object.keys(schema) as GroupName[];
  const home = groups.find((group) => name in schema[group]);
  return home && writtenAs(home);
}

/** Reports every name of `node` that is not among `known`. `where` is empty at top level. */
export function reportUnknown(
  node: GroupNode,
  known: readonly string[],
  where: string,
  mistakes: Mistakes,
): void {
  for (const { name, place } of node.settings.values()) {
    if (known.includes(name)) continue;
    const home = homeOf(name);
    const hint = home ? `; it belongs in ${home}` : didYouMean(name, known);
    mistakes.add(place, `unknown setting ${where ? `${where}.` : ''}${name}${hint}`);
  }
}

/** The group `name` in `parent`; undefined when absent. Reports anything that is not a group. */
export function groupIn(
  parent: GroupNode | undefined,
  name: string,
  mistakes: Mistakes,
  where = name,
): GroupNode | undefined {
  const value = parent?.settings.get(name)?.value;
  if (!value || value.kind === 'group') return value;
  if (value.kind !== 'broken') {
    mistakes.add(value.place, `${where} must be a group { }, not ${shown(value)}`);
  }
  return undefined;
}

/**
 * All values of `group`, with defaults for absent ones; undefined when a mistake was reported.
 * `where` is the name of the group in messages.
 */
export function readGroup<Name extends GroupName>(
  group: Name,
  node: GroupNode | undefined,
  place: Place,
  mistakes: Mistakes,
  where = writtenAs(group),
): ValuesOf<Name> | undefined {
  const before = mistakes.count;
  let isWhole = true;
  if (node) reportUnknown(node, namesIn(group), where, mistakes);
  const values = Object.entries(schema[group] as Table).map(([name, row]) => {
    const value = node?.settings.get(name)?.value;
    if (value && hasBroken(value)) {
      isWhole = false;
      return [name, undefined];
    }
    const read = value === undefined ? row.fallback : row.kind.read(value);
    if (value && read === undefined) {
      const wanted = `${where}.${name} must be ${row.kind.description}`;
      mistakes.add(value.place, `${wanted}, not ${shownAgainst(row.kind, value)}`);
    } else if (!value && row.isRequired) {
      mistakes.add(place, `${where}.${name} is missing`);
    }
    return [name, read];
  });
  return !isWhole || mistakes.count > before
    ? undefined
    : (Object.fromEntries(values) as ValuesOf<Name>);
}
