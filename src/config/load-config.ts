/**
 * Turns a configuration file into a Config that is checked and complete.
 *
 * Guarantee: every mistake is reported, not only the first; there is a Config exactly when there
 * is no mistake. Reads only the file and what it includes: whether a directory or group exists is
 * checked by the code that uses it.
 */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { type Address, parseNetwork } from '../core/address.ts';
import { Fault } from '../runtime/errors.ts';
import { type Config, configOf, type Written } from './config.ts';
import {
  checkBlocking,
  checkControlAddress,
  checkFiles,
  checkMetrics,
  checkOverload,
} from './contradictions.ts';
import { type ConfigNode, type GroupNode, hasBroken, parseLibconfig } from './libconfig.ts';
import type { ReadFiles } from './libconfig-tokens.ts';
import { Mistakes, quotedValue } from './mistakes.ts';
import { checkAlso, checkFold, prefixedClasses, readClasses } from './read-classes.ts';
import { groupIn, readGroup, reportUnknown } from './read-group.ts';
import { readLimits } from './read-limits.ts';
import { defaultsOf, schema, topLevelNames } from './schema.ts';
import { names, shown, shownAgainst } from './value-kinds.ts';
import { warnOfHostBits, warnOfLongMessage } from './warnings.ts';

/** The class whose values are addresses even when nothing is blocked. */
const addressClass = 'ip';

/** Everything outside of `settings`; a group with a mistake is undefined. */
type Tree = Pick<Config, 'classes' | 'allow'> & {
  readonly blocking: Written['blocking'] | undefined;
  readonly tcprules: Written['blocking.tcprules'];
  readonly overload: Written['overload'] | undefined;
  readonly metrics: Written['metrics'] | undefined;
};

export type Checked = {
  /** Undefined when there are mistakes. */
  readonly config: Config | undefined;
  /** `file:line: what is wrong`, in the order of the file. */
  readonly mistakes: readonly string[];
  /** The operator's socket that the file names, also with mistakes elsewhere; undefined: none. */
  readonly controlSocket: string | undefined;
};

/** The operator's socket when the file names none. */
export const usualControlSocket = controlBeside(defaultsOf('settings').socket);

function controlBeside(socket: string): string {
  return join(dirname(socket), 'control.sock');
}

function readControlSocket(root: GroupNode): string | undefined {
  const node = root.settings.get('settings')?.value;
  const read = (name: 'control' | 'socket') => {
    const value = node?.kind === 'group' ? node.settings.get(name)?.value : undefined;
    return value && value.kind !== 'broken' ? schema.settings[name].kind.read(value) : undefined;
  };
  const socket = read('socket');
  return read('control') ?? (socket && controlBeside(socket));
}

function readSettings(root: GroupNode, mistakes: Mistakes): Written['settings'] | undefined {
  const node = groupIn(root, 'settings', mistakes);
  const values = readGroup('settings', node, root.place, mistakes);
  if (!values) return undefined;
  if (node) checkControlAddress(node, values, mistakes);
  return { ...values, control: readControlSocket(root) ?? usualControlSocket };
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
  if (node && values && tcprules) warnOfLongMessage(node, values, mistakes);
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

function readMetrics(root: GroupNode, mistakes: Mistakes): Written['metrics'] | undefined {
  const node = groupIn(root, 'metrics', mistakes);
  const values = readGroup('metrics', node, node?.place ?? root.place, mistakes);
  if (node && values) checkMetrics(node, values, mistakes);
  return values;
}

function readAllow(node: ConfigNode | undefined, mistakes: Mistakes): Address[] {
  if (!node || node.kind === 'broken') return [];
  if (!hasBroken(node) && !names.read(node)) {
    const wanted = 'allow must be a list of addresses and networks';
    mistakes.add(node.place, `${wanted}, not ${shownAgainst(names, node)}`);
    return [];
  }
  const items = 'items' in node ? node.items : [node];
  return items.flatMap((item) => {
    if (hasBroken(item)) return [];
    const text = item.kind === 'string' ? item.value : '';
    const network = parseNetwork(text);
    if (network) {
      warnOfHostBits('allow', text, item.place, mistakes);
      return [network];
    }
    mistakes.add(item.place, `allow: ${shown(item)} is no address or network`);
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
  const areKindsKnown = isWhole && mistakes.count === before;
  const addressClasses = new Set([addressClass, ...blocked, ...prefixed]);
  const classes = limits ? readLimits(limits, addressClasses, traits, mistakes) : new Map();
  checkAlso(classesNode, classes, areKindsKnown, mistakes);
  checkFold(classesNode, classes, mistakes);
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
  const [overload, metrics] = [readOverload(root, mistakes), readMetrics(root, mistakes)];
  return { classes, blocking, tcprules, allow, overload, metrics };
}

function digestOf(files: ReadFiles): string {
  const hash = createHash('sha256');
  for (const bytes of files.values()) if (bytes) hash.update(bytes);
  return hash.digest('hex');
}

/** Reads and checks `file`. Never throws: an unreadable file is a mistake too. */
export function checkConfig(file: string): Checked {
  const mistakes = new Mistakes();
  const files: ReadFiles = new Map();
  const root = parseLibconfig(file, mistakes, files);
  const controlSocket = readControlSocket(root);
  const settings = readSettings(root, mistakes);
  const { blocking, tcprules, overload, metrics, ...rest } = readTree(root, mistakes);
  if (!settings || !blocking || !overload || !metrics || mistakes.count > 0) {
    return { config: undefined, mistakes: mistakes.lines(), controlSocket };
  }
  const written = { settings, blocking, 'blocking.tcprules': tcprules, overload, metrics };
  const read = { file: resolve(file), files: [...files.keys()], digest: digestOf(files) };
  const warnings = mistakes.warnings();
  const config = configOf({ ...read, ...rest, warnings }, written);
  return { config, mistakes: [], controlSocket };
}

/** All mistakes as a Fault, one a line. */
export function mistaken({ mistakes }: Checked): Fault {
  return new Fault('config', mistakes.join('\n'));
}

/** The configuration in `file`. @throws Fault `config` with all mistakes */
export function loadConfig(file: string): Config {
  const checked = checkConfig(file);
  if (!checked.config) throw mistaken(checked);
  return checked.config;
}
