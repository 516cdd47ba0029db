/**
 * Keeps what belongs to better-sqlite3 from the garbage collector until the process ends.
 *
 * Node 24.19 and later abort when an object that better-sqlite3 12 wraps (a database, a statement)
 * is collected while no script runs. So each of them goes through here, none is made per request,
 * and `exec` is used instead of `pragma()`, which makes a statement and drops it.
 */

const kept: object[] = [];

export function preventGc<T extends object>(object: T): T {
  kept.push(object);
  return object;
}
