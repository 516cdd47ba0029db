/**
 * Reads `classes`: groups with the traits of those classes that have any.
 */
import { type CamelCased, camelCased } from './camel-case.ts';
import type { LimitClass } from './config.ts';
import type { GroupNode } from './libconfig.ts';
import { type Mistakes, quotedValue } from './mistakes.ts';
import { groupIn, readGroup } from './read-group.ts';
import { type ValuesOf, writtenAs } from './schema.ts';

/** What `classes` says about a class. */
export type ClassTraits = CamelCased<ValuesOf<'class'>>;

/** The traits of the classes that have any; each must be a class of `limits`. */
export function readClasses(
  node: GroupNode | undefined,
  limits: GroupNode | undefined,
  mistakes: Mistakes,
): Map<string, ClassTraits> {
  const traits = new Map<string, ClassTraits>();
  for (const { name, place } of node?.settings.values() ?? []) {
    const where = writtenAs('class', name);
    const group = groupIn(node, name, mistakes, where);
    const values = group && readGroup('class', group, group.place, mistakes, where);
    if (limits && !limits.settings.has(name)) {
      mistakes.add(place, `${where}: there is no class ${quotedValue(name)} in limits`);
    }
    if (values) traits.set(name, camelCased(values));
  }
  return traits;
}

/** The classes with a prefix length, which makes them address classes. */
export function prefixedClasses(node: GroupNode | undefined): Set<string> {
  const groups = [...(node?.settings.values() ?? [])].filter(({ value }) => {
    if (value.kind !== 'group') return false;
    return value.settings.has('prefix4') || value.settings.has('prefix6');
  });
  return new Set(groups.map(({ name }) => name));
}

/** What is wrong with the `index`th class of `also`, if anything. */
function wrongAlso(
  known: LimitClass,
  index: number,
  classes: ReadonlyMap<string, LimitClass>,
  areKindsKnown: boolean,
): string | undefined {
  const wanted = known.also[index] ?? '';
  const other = classes.get(wanted);
  const [here, there] = [quotedValue(known.name), quotedValue(wanted)];
  if (wanted === known.name) return 'names the class itself';
  if (known.also.indexOf(wanted) < index) return `names ${there} twice`;
  if (!other) return `there is no class ${there} in limits`;
  if (!areKindsKnown || other.addresses === known.addresses) return undefined;
  return other.addresses
    ? `${there} is an address class, but ${here} is not`
    : `${there} is not an address class, but ${here} is`;
}

/** Reports classes of addresses, which have one spelling, that are to fold names. */
export function checkFold(
  node: GroupNode | undefined,
  classes: ReadonlyMap<string, LimitClass>,
  mistakes: Mistakes,
): void {
  for (const known of classes.values()) {
    const group = node?.settings.get(known.name)?.value;
    if (!known.addresses || !known.fold || group?.kind !== 'group') continue;
    const place = group.settings.get('fold')?.place ?? group.place;
    const where = writtenAs('class', known.name);
    mistakes.add(place, `${where}.fold is of no use in an address class`);
  }
}

/**
 * Reports mistakes in `also`. A circle is allowed: a hit is passed on only once, by the class of the
 * request.
 */
export function checkAlso(
  node: GroupNode | undefined,
  classes: ReadonlyMap<string, LimitClass>,
  areKindsKnown: boolean,
  mistakes: Mistakes,
): void {
  for (const known of classes.values()) {
    const group = node?.settings.get(known.name)?.value;
    if (group?.kind !== 'group') continue;
    const place = group.settings.get('also')?.place ?? group.place;
    for (const index of known.also.keys()) {
      const wrong = wrongAlso(known, index, classes, areKindsKnown);
      if (wrong) mistakes.add(place, `${writtenAs('class', known.name)}.also: ${wrong}`);
    }
  }
}
