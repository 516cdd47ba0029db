/**
 * From a configuration file to a Config that is checked and complete.
 *
 * Guarantee: every mistake is reported, not only the first; there is a Config exactly when there
 * is no mistake. Touches nothing but the file and what it includes: whether a directory or group
 * exists is for those who use it.
 */
import { dirname, join, resolve } from 'node:path';
import { type Address, parseNetwork } from '../core/address.ts';
import type { Penalty } from '../core/penalty.ts';
import { Fault } from '../runtime/errors.ts';
import type { Blocking, Config, Overload, Settings } from './config.ts';
import { checkBlocking, checkControlAddress, checkFiles, checkOverload } from './contradictions.ts';
import { type ConfigNode, type GroupNode, parseLibconfig } from './libconfig.ts';
import { Mistakes, quotedValue } from './mistakes.ts';
import { checkAlso, prefixedClasses, readClasses } from './read-classes.ts';
import { groupIn, readGroup, reportUnknown } from './read-group.ts';
import { readLimits } from './read-limits.ts';
import { type schema, topLevelNames, type ValuesOf } from './schema.ts';
import { names, shown } from './value-kinds.ts';

/** The class whose values are addresses even when nothing is blocked. */
const addressClass = 'ip';

type BlockingValues = ValuesOf<(typeof schema)['blocking']>;

type Tree = Omit<Config, 'file' | 'files' | 'settings' | 'overload'> & {
  readonly overload: Overload | undefined;
};

export type Checked = {
  /** Undefined when there are mistakes. */
  readonly config: Config | undefined;
  /** `file:line: what is wrong`, in the order of the file. */
  readonly mistakes: readonly string[];
};

function readSettings(root: GroupNode, mistakes: Mistakes): Settings | undefined {
  const node = groupIn(root, 'settings', mistakes);
  const values = readGroup('settings', node, root.place, mistakes);
  if (node && values) checkControlAddress(node, values, mistakes);
  return (
    values && {
      socket: values.socket,
      socketMode: values.socket_mode,
      socketGroup: values.socket_group,
      controlSocket: values.control ?? join(dirname(values.socket), 'control.sock'),
      address: values.address,
      port: values.port,
      tcpTrusted: values.tcp_trusted,
      controlAddress: values.control_address,
      controlPort: values.control_port,
      controlRemote: values.control_remote,
      dbPath: values.db_path,
      log: values.log === '/dev/stderr' ? undefined : values.log,
      logLevel: values.log_level,
      logFormat: values.log_format,
      maxAge: values.max_age,
      expirationTimer: values.expiration_timer,
      maxValues: values.max_values,
      maxConnections: values.max_connections,
      maxBlocks: values.max_blocks,
      maxHistory: values.max_history,
    }
  );
}

function readTcprules(blocking: GroupNode | undefined, mistakes: Mistakes): Blocking['tcprules'] {
  const node = groupIn(blocking, 'tcprules', mistakes);
  return node && readGroup('blocking.tcprules', node, node.place, mistakes);
}

function penaltyOf(values: BlockingValues | undefined): Penalty {
  return {
    steps: values?.time ?? [],
    factor: values?.factor ?? 1,
    capSeconds: values?.cap ?? 0,
    decaySeconds: values?.decay ?? 0,
    jitter: (values?.jitter ?? 0) / 100,
  };
}

function readBlocking(node: GroupNode | undefined, root: GroupNode, mistakes: Mistakes): Blocking {
  const values = readGroup('blocking', node, node?.place ?? root.place, mistakes);
  if (node && values) checkBlocking(node, values, mistakes);
  const tcprules = readTcprules(node, mistakes);
  checkFiles(node, values, tcprules, mistakes);
  const directory = values?.peers;
  return {
    classes: new Set(node ? values?.classes : []),
    penalty: penaltyOf(values),
    mode: values?.mode ?? 'silent',
    message: values?.message ?? '',
    peers: directory
      ? { directory, timeoutSeconds: values.peers_timeout, cdb: values.peers_cdb }
      : undefined,
    tcprules,
  };
}

function readOverload(root: GroupNode, mistakes: Mistakes): Overload | undefined {
  const node = groupIn(root, 'overload', mistakes);
  const values = readGroup('overload', node, node?.place ?? root.place, mistakes);
  if (!values) return undefined;
  if (node) checkOverload(node, values, mistakes);
  return {
    file: values.file,
    command: values.command,
    above: values.above,
    below: values.below,
    loadAbove: values.load_above,
    loadBelow: values.load_below ?? values.load_above,
    everySeconds: values.every,
  };
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
  const blocking = readBlocking(blockingNode, root, mistakes);
  const limits = groupIn(root, 'limits', mistakes);
  const classesNode = groupIn(root, 'classes', mistakes);
  const traits = readClasses(classesNode, limits, mistakes);
  const prefixed = prefixedClasses(classesNode);
  // Which classes are of addresses is known only when these are right.
  const areKindsKnown = mistakes.count === before;
  const addressClasses = new Set([addressClass, ...blocking.classes, ...prefixed]);
  const classes = limits ? readLimits(limits, addressClasses, traits, mistakes) : new Map();
  checkAlso(classesNode, classes, areKindsKnown, mistakes);
  if (isWhole && !root.settings.has('limits')) {
    mistakes.add(root.place, 'limits is missing: there is nothing to do');
  } else if (isWhole && limits?.settings.size === 0) {
    mistakes.add(limits.place, 'limits has no class: there is nothing to do');
  }
  const place = blockingNode?.settings.get('classes')?.value.place ?? blockingNode?.place;
  for (const name of blocking.classes) {
    if (!place || !limits || classes.has(name)) continue;
    mistakes.add(place, `blocking.classes: there is no class ${quotedValue(name)} in limits`);
  }
  const allow = readAllow(root.settings.get('allow')?.value, mistakes);
  return { classes, blocking, allow, overload: readOverload(root, mistakes) };
}

/** Reads and checks `file`. Never throws for what is in it, nor when it cannot be read. */
export function checkConfig(file: string): Checked {
  const mistakes = new Mistakes();
  const files = new Set<string>();
  const root = parseLibconfig(file, mistakes, files);
  const settings = readSettings(root, mistakes);
  const { overload, ...rest } = readTree(root, mistakes);
  const config =
    settings && overload && mistakes.count === 0
      ? { file: resolve(file), files: [...files], settings, overload, ...rest }
      : undefined;
  return { config, mistakes: mistakes.lines() };
}

/** The configuration in `file`. Throws a `config` Fault whose detail is all mistakes, one a line. */
export function loadConfig(file: string): Config {
  const { config, mistakes } = checkConfig(file);
  if (!config) throw new Fault('config', mistakes.join('\n'));
  return config;
}
