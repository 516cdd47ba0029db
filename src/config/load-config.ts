/**
 * From a configuration file to a Config that is checked and complete.
 *
 * Guarantee: every mistake is reported, not only the first; there is a Config exactly when there
 * is no mistake. Touches nothing but the file and what it includes: whether a directory or group
 * exists is for those who use it.
 */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { type Address, parseNetwork } from '../core/address.ts';
import { Fault } from '../runtime/errors.ts';
import { type Config, configOf, type Written } from './config.ts';
import { checkBlocking, checkControlAddress, checkFiles, checkOverload } from './contradictions.ts';
import { type ConfigNode, type GroupNode, parseLibconfig } from './libconfig.ts';
import type { ReadFiles } from './libconfig-tokens.ts';
import { Mistakes, quotedValue } from './mistakes.ts';
import { checkAlso, prefixedClasses, readClasses } from './read-classes.ts';
import { groupIn, readGroup, reportUnknown } from './read-group.ts';
import { readLimits } from './read-limits.ts';
import { topLevelNames } from './schema.ts';
import { names, shown } from './value-kinds.ts';

/** The class whose values are addresses even when nothing is blocked. */
const addressClass = 'ip';

/** What stands outside of `settings`; a group with a mistake is undefined. */
type Tree = Pick<Config, 'classes' | 'allow'> & {
  readonly blocking: Written['blocking'] | undefined;
  readonly tcprules: Written['blocking.tcprules'];
  readonly overload: Written['overload'] | undefined;
};

export type Checked = {
  /** Undefined when there are mistakes. */
  readonly config: Config | undefined;
  /** `file:line: what is wrong`, in the order of the file. */
  readonly mistakes: readonly string[];
};

function readSettings(root: GroupNode, mistakes: Mistakes): Written['settings'] | undefined {
  const node = groupIn(root, 'settings', mistakes);
  const values = readGroup('settings', node, root.place, mistakes);
  if (!values) return undefined;
  if (node) checkControlAddress(node, values, mistakes);
  return { ...values, control: values.control ?? join(dirname(values.socket), 'control.sock') };
}

/** Without the group no class is blocked. */
function readBlocking(
  node: GroupNode | undefined,
  root: GroupNode,
  mistakes: Mistakes,
): Pick<Tree, 'blocking' | 'tcprules'> {
  const values = readGroup('blocking', node, node?.place ?? root.place, mistakes);
  if (node && values) checkBlocking(node, values, mistakes);
  const rules = groupIn(node, 'tcprules', mistakes);
  const tcprules = rules && readGroup('blocking.tcprules', rules, rules.place, mistakes);
  checkFiles(node, values, tcprules, mistakes);
  const classes = node && values ? [...new Set(values.classes)] : [];
  return { blocking: values && { ...values, classes }, tcprules };
}

function readOverload(root: GroupNode, mistakes: Mistakes): Written['overload'] | undefined {
  const node = groupIn(root, 'overload', mistakes);
  const values = readGroup('overload', node, node?.place ?? root.place, mistakes);
  if (!values) return undefined;
  if (node) checkOverload(node, values, mistakes);
  return { ...values, load_below: values.load_below ?? values.load_above };
}

function readAllow(node: ConfigNode | undefined, mistakes: Mistakes): Address[] {
  if (!node || node.kind === 'broken') return [];
  if (!names.read(node)) {
    mistakes.add(node.place, `allow must be a list of addresses and networks, not ${shown(node)}`);
    return [];
  }
  const items = 'items' in node ? node.items : [node];
  return items.flatMap((item) => {
    const text = item.kind === 'string' ? item.value : '';
    const network = parseNetwork(text);
    if (network) return [network];
    mistakes.add(item.place, `allow: ${quotedValue(text)} is no address or network`);
    return [];
  });
}

function readTree(root: GroupNode, mistakes: Mistakes): Tree {
  const isWhole = mistakes.count === 0;
  reportUnknown(root, topLevelNames, '', mistakes);
  const before = mistakes.count;
  const blockingNode = groupIn(root, 'blocking', mistakes);
  const { blocking, tcprules } = readBlocking(blockingNode, root, mistakes);
  const blocked = blocking?.classes ?? [];
  const limits = groupIn(root, 'limits', mistakes);
  const classesNode = groupIn(root, 'classes', mistakes);
  const traits = readClasses(classesNode, limits, mistakes);
  const prefixed = prefixedClasses(classesNode);
  // Which classes are of addresses is known only when these are right.
  const areKindsKnown = mistakes.count === before;
  const addressClasses = new Set([addressClass, ...blocked, ...prefixed]);
  const classes = limits ? readLimits(limits, addressClasses, traits, mistakes) : new Map();
  checkAlso(classesNode, classes, areKindsKnown, mistakes);
  if (isWhole && !root.settings.has('limits')) {
    mistakes.add(root.place, 'limits is missing: there is nothing to do');
  } else if (isWhole && limits?.settings.size === 0) {
    mistakes.add(limits.place, 'limits has no class: there is nothing to do');
  }
  const place = blockingNode?.settings.get('classes')?.value.place ?? blockingNode?.place;
  for (const name of blocked) {
    if (!place || !limits || classes.has(name)) continue;
    mistakes.add(place, `blocking.classes: there is no class ${quotedValue(name)} in limits`);
  }
  const allow = readAllow(root.settings.get('allow')?.value, mistakes);
  return { classes, blocking, tcprules, allow, overload: readOverload(root, mistakes) };
}

function digestOf(files: ReadFiles): string {
  const hash = createHash('sha256');
  for (const bytes of files.values()) if (bytes) hash.update(bytes);
  return hash.digest('hex');
}

/** Reads and checks `file`. Never throws for what is in it, nor when it cannot be read. */
export function checkConfig(file: string): Checked {
  const mistakes = new Mistakes();
  const files: ReadFiles = new Map();
  const root = parseLibconfig(file, mistakes, files);
  const settings = readSettings(root, mistakes);
  const { blocking, tcprules, overload, ...rest } = readTree(root, mistakes);
  if (!settings || !blocking || !overload || mistakes.count > 0) {
    return { config: undefined, mistakes: mistakes.lines() };
  }
  const written = { settings, blocking, 'blocking.tcprules': tcprules, overload };
  const read = { file: resolve(file), files: [...files.keys()], digest: digestOf(files) };
  const config = configOf({ ...read, ...rest }, written);
  return { config, mistakes: [] };
}

/** The configuration in `file`. Throws a `config` Fault whose detail is all mistakes, one a line. */
export function loadConfig(file: string): Config {
  const { config, mistakes } = checkConfig(file);
  if (!config) throw new Fault('config', mistakes.join('\n'));
  return config;
}
