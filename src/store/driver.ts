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
    const { code, what, remedy } = troubleOf(error);
    throw new Fault(code, `${what}: ${remedy}`, error);
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
