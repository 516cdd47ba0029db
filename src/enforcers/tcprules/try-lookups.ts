/**
 * Tries what the installed tcpserver looks up: tcprules(1) compiles rules for documentation networks,
 * and tcprulescheck(1), which asks as the server would, says whether they refuse a client.
 *
 * That tcprules takes a rule means nothing: some take networks that their tcpserver never looks up.
 */
import { writeFileSync } from 'node:fs';
import { removeQuietly, temporaryName } from '../../files/replace-file.ts';
import { Fault } from '../../runtime/errors.ts';
import { running } from '../../runtime/run-command.ts';
import { slowly, type Work } from '../../runtime/work.ts';
import { latin1 } from '../cdb/cdb.ts';
import { ipv4Only, type Lookups } from './lookups.ts';
import { type InstalledTcprules, runTcprules } from './run-tcprules.ts';

const timeoutMs = 10_000;

export function* tryLookups(files: InstalledTcprules): Work<Lookups> {
  const refuses = (keys: readonly string[], clients: readonly string[]) =>
    refusesAll(files, keys, clients);
  if (!(yield* refuses(['2001:db8::1'], ['2001:db8::1']))) return ipv4Only;
  const ipv6Networks = yield* refuses(['2001:db8:1::/48'], ['2001:db8:1::1']);
  const ipv6Prefixes =
    !ipv6Networks &&
    (yield* refuses(
      ['2001:db8:1:', '2001:db8:2::'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:2::3:4:5:6'],
    ));
  const mapped = ['::ffff:192.0.2.1', '::ffff:198.51.100.1'];
  const mappedIPv4 =
    !(yield* refuses(['192.0.2.1', '198.51.100.'], mapped)) &&
    (yield* refuses(['::ffff:192.0.2.1', '::ffff:198.51.100.'], mapped));
  return { ipv6Addresses: true, ipv6Networks, ipv6Prefixes, mappedIPv4 };
}

/** Whether rules that deny these keys refuse each of the clients, as their server spells them. */
export function* refusesAll(
  files: InstalledTcprules,
  keys: readonly string[],
  clients: readonly string[],
): Work<boolean> {
  const cdb = temporaryName(`${files.cdb}.trial`);
  try {
    const lines = keys.map((key) => `${key}:deny\n`).join('');
    const bytes = yield* runTcprules(files, latin1(lines));
    removeQuietly(cdb);
    writeFileSync(cdb, bytes, { flag: 'wx', mode: 0o600 });
    for (const client of clients) if (!(yield* refuses(files, cdb, client))) return false;
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  } finally {
    removeQuietly(cdb);
  }
}

function* refuses(files: InstalledTcprules, cdb: string, client: string): Work<boolean> {
  // The two programs of a package are beside each other.
  const check = `${files.tcprulesCommand ?? 'tcprules'}check`;
  const args = [`TCPREMOTEIP=${client}`, `TCP6REMOTEIP=${client}`, check, cdb];
  const run = { command: 'env', args, input: new Uint8Array(), timeoutMs };
  const { why, printed } = yield* slowly(running(run));
  return why === undefined && /^deny connection$/m.test(printed);
}
