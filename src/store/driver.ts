/**
 * better-sqlite3, the driver of the database: a native module, which is built for one version of Node.
 *
 * It is loaded when it is first needed, so that what needs no database works without it, and so that
 * the reason why it cannot be loaded is never taken for one of the database's.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Database from 'better-sqlite3';
import { errnoOf, Fault, type FaultCode, reasonOf } from '../runtime/errors.ts';
import { preventGc } from './prevent-gc.ts';

export type DriverTrouble = {
  readonly code: Extract<FaultCode, 'driver' | 'incomplete'>;
  readonly what: string;
  readonly remedy: string;
};

const name = 'better-sqlite3';
const load = createRequire(import.meta.url);

let loaded: typeof Database | undefined;

/** @throws Fault `driver`, `incomplete` */
export function loadDriver(): typeof Database {
  try {
    loaded ??= tried(load(name));
    return loaded;
  } catch (error) {
    throw faultOf(troubleOf(error), error);
  }
}

/** Why it cannot be loaded, and what helps; undefined: it can. */
export function driverTrouble(): DriverTrouble | undefined {
  try {
    loadDriver();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return troubleOf(error.cause);
    throw error;
  }
}

/**
 * Why rater, which starts all the same, has to do without; undefined: it can be loaded. A driver for
 * another Node stays so until somebody acts, and meanwhile nothing would be counted. A missing one is
 * likely to come in a moment, and what knows no block must not change the files of servers.
 * @throws Fault `driver`, `incomplete` when rater cannot start without
 */
export function driverTroubleAtStart(hasServers: boolean): DriverTrouble | undefined {
  const trouble = driverTrouble();
  if (trouble && !startsWithout(trouble, hasServers)) throw faultOf(trouble);
  return trouble;
}

/** Whether a rater that tells servers of blocks, or tells none, starts without the driver. */
export function startsWithout({ code }: DriverTrouble, hasServers: boolean): boolean {
  return code === 'driver' && !hasServers;
}

/** What a rater without the driver lacks that is configured to use `dbPath`. */
export function lostWithout(dbPath: string): string {
  const second = 'no lock keeps a second rater out';
  if (dbPath === ':memory:') return second;
  return `blocks and allowances of before are unknown, those of now are forgotten when rater ends, and ${second}`;
}

function faultOf({ code, what, remedy }: DriverTrouble, cause?: unknown): Fault {
  return new Fault(code, `${what}: ${remedy}`, cause);
}

/** Its native part is loaded with the first database. */
function tried(Driver: typeof Database): typeof Database {
  preventGc(new Driver(':memory:')).close();
  return Driver;
}

function troubleOf(error: unknown): DriverTrouble {
  const reason = reasonOf(error);
  const rebuild = `run npm rebuild ${name} in ${home()}`;
  const [, builtFor] = /compiled against .*?NODE_MODULE_VERSION (\d+)/s.exec(reason) ?? [];
  if (builtFor !== undefined) {
    const abis = `ABI ${builtFor}, this is ${process.versions.modules}`;
    const what = `the module ${name} was built for another Node (${abis})`;
    return { code: 'driver', what, remedy: rebuild };
  }
  const what = `cannot load the module ${name}: ${reason.split('\n')[0]}`;
  // A file of which the beginning is there is about to be written.
  if (errnoOf(error) !== 'ERR_DLOPEN_FAILED' || reason.includes('file too short')) {
    const remedy = `if that lasts, install ipthrottle again, or ${rebuild}`;
    return { code: 'incomplete', what, remedy };
  }
  return { code: 'driver', what, remedy: rebuild };
}

/** The directory whose `node_modules` has the driver, or should have. */
function home(): string {
  try {
    return load
      .resolve(`${name}/package.json`)
      .split('/node_modules/')
      .slice(0, -1)
      .join('/node_modules/');
  } catch {
    return dirname(dirname(fileURLToPath(import.meta.url)));
  }
}
