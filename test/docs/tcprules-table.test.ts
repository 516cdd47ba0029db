/** The table of ipthrottle(7) of what each tcprules takes is what Debian's packages do. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inNewDirectory } from '../golden/real-tools.ts';
import { debianPackages } from '../run/debian-packages.ts';
import { unless } from '../run/unless.ts';

const manual = readFileSync(new URL('../../man/ipthrottle.7', import.meta.url), 'utf8');

/** In the order of the columns: a rule, and a client that it should refuse. */
const columns = [
  ['2001:db8::/32:deny', '2001:db8::1'],
  ['2001:db8::1:deny', '2001:db8::1'],
  ['2001:db8::deny', '2001:db8:1:2:3:4:5:6'],
  ['192.0.2.0/24:deny', '192.0.2.1'],
  ['192.0.2.:deny', '192.0.2.1'],
  ['192.0.2.1-9:deny', '192.0.2.1'],
  ['192.0.2.1:deny,!NAME', '192.0.2.1'],
] as const;

/** What becomes of a rule, in the words of the table. */
function outcome(bin: string, rule: string, client: string): string {
  return inNewDirectory((cwd) => {
    const made = spawnSync(join(bin, 'tcprules'), ['cdb', 'tmp'], { cwd, input: `${rule}\n` });
    if (made.status !== 0) return 'no';
    const env = { TCPREMOTEIP: client, TCP6REMOTEIP: client };
    const said = execFileSync(join(bin, 'tcprulescheck'), ['cdb'], {
      cwd,
      env,
      encoding: 'latin1',
    });
    return said.includes('deny connection') ? 'yes' : 'never';
  });
}

for (const name of ['ucspi-tcp', 'ucspi-tcp-ipv6']) {
  const { bin, reason } = debianPackages(name);
  test(`of ${name}`, unless(reason), () => {
    const row = columns.map(([rule, client]) => outcome(bin, rule, client));
    expect(manual).toContain(`.It ${name} Ta 1:0.88-7 Ta ${row.join(' Ta ')}\n`);
  });
}
