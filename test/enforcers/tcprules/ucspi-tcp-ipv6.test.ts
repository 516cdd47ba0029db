/**
 * Blocks under Debian's ucspi-tcp-ipv6, whose tcprules takes IPv6 networks that its tcpserver never
 * looks up: what is said to be in force is what tcprulescheck, and the real tcpserver, refuse.
 *
 * Tests: src/enforcers/tcprules/try-lookups.ts, src/enforcers/tcprules/lookups.ts
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TcprulesCdb } from '../../../src/enforcers/tcprules/tcprules-cdb.ts';
import { addressFor, blockOf } from '../../contract/enforcer.ts';
import { debianPackages } from '../../run/debian-packages.ts';
import { unless } from '../../run/unless.ts';

const { bin, reason } = debianPackages('ucspi-tcp-ipv6');

let directory: string;
let cdb: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipthrottle-'));
  cdb = join(directory, 'cdb');
  writeFileSync(join(directory, 'rules'), ':allow\n');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function imposed(...texts: string[]): TcprulesCdb {
  const files = { source: join(directory, 'rules'), cdb, tcprulesCommand: join(bin, 'tcprules') };
  const enforcer = new TcprulesCdb(files, () => {});
  enforcer.reconcile(texts.map((text) => blockOf(text)));
  enforcer.rebuild.flush();
  return enforcer;
}

function checkRefuses(client: string): boolean {
  const env = { TCPREMOTEIP: client, TCP6REMOTEIP: client };
  return spawnSync(join(bin, 'tcprulescheck'), [cdb], { env, encoding: 'latin1' }).stdout.includes(
    'deny connection',
  );
}

/** Why no network namespace can be made, in which this host has any address. */
function noNamespace(): string | undefined {
  const { status } = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']);
  return status === 0 ? undefined : 'no network namespace';
}

/** Which of the clients a real tcpserver lets in. */
function letIn(clients: readonly string[], ...options: string[]): string[] {
  const script = `
ip link set lo up
for client in ${clients.join(' ')}; do case $client in *:*) ip addr add $client/128 dev lo nodad ;; esac; done
"${bin}/tcpserver" ${options.join(' ')} -HRl x -x "${cdb}" 0 2525 echo in & server=$!
"${process.execPath}" -e '
const { connect } = require("node:net");
const ask = (localAddress, tries) => new Promise((resolve) => {
  let said = "";
  const host = localAddress.includes(":") ? "::1" : "127.0.0.1";
  connect({ host, port: 2525, localAddress })
    .on("data", (data) => { said += data; })
    .on("error", ({ code }) => { if (code === "ECONNREFUSED") said = code; })
    .on("close", () => resolve(said));
}).then((said) => said !== "ECONNREFUSED" || tries === 0 ? said
  : new Promise((resolve) => setTimeout(resolve, 20)).then(() => ask(localAddress, tries - 1)));
(async () => {
  for (const client of process.argv.slice(1)) {
    if ((await ask(client, 250)).trim() === "in") console.log(client);
  }
})();
' ${clients.join(' ')}
kill $server
`;
  const said = execFileSync('unshare', ['-n', 'sh', '-c', script], { encoding: 'latin1' });
  return said.split('\n').filter((line) => line !== '');
}

const blocks = ['2001:db8:5::/64', '2001:db8:7:8::/64', '127.0.3.0/24'] as const;
const [net5, net78, net127] = blocks;

/** Rules of the administrator's that let a client of a blocked network in. */
const ownRules = [
  // An address, in the spelling of tcpserver, and in the canonical one where that differs.
  { block: net5, rule: '2001:db8:5::7', client: '2001:db8:5::7', wins: 'always' },
  { block: net78, rule: '2001:db8:7:8::1:1:1', client: '2001:db8:7:8:0:1:1:1', wins: 'always' },
  { block: net78, rule: '2001:db8:7:8:0:2:1:1', client: '2001:db8:7:8:0:2:1:1', wins: 'never' },
  // A narrower network.
  { block: net78, rule: '2001:db8:7:8:9:', client: '2001:db8:7:8:9:1:1:1', wins: 'always' },
  { block: net78, rule: '2001:db8:7:8:a::/80', client: '2001:db8:7:8:a:1:1:1', wins: 'never' },
  // A wider one.
  { block: net5, rule: '2001:db8:', client: '2001:db8:5::9', wins: 'never' },
  // An IPv4 client is called otherwise under -6.
  { block: net127, rule: '127.0.3.7', client: '127.0.3.7', wins: 'without -6' },
  { block: net127, rule: '::ffff:127.0.3.8', client: '127.0.3.8', wins: 'with -6' },
  { block: net127, rule: '127.', client: '127.0.3.9', wins: 'never' },
];
const clients = ownRules.map(({ client }) => client);

describe(
  'of the administrator’s rules in a blocked network',
  unless(reason ?? noNamespace()),
  () => {
    test.for([
      { options: [], wins: 'without -6' },
      { options: ['-6'], wins: 'with -6' },
    ])('the narrower ones win that tcpserver $options looks up', ({ options, wins }) => {
      const lines = ownRules.map(({ rule }) => `${rule}:allow\n`).join('');
      writeFileSync(join(directory, 'rules'), `${lines}:allow\n`);
      const enforcer = imposed(...blocks);
      for (const block of blocks) expect(enforcer.impose(blockOf(block)), block).toBe('in force');
      const winners = ownRules.filter((each) => each.wins === 'always' || each.wins === wins);
      expect(letIn(clients, ...options)).toEqual(winners.map(({ client }) => client));
      enforcer.close();
    });

    test('one for a blocked address itself does not win', () => {
      writeFileSync(join(directory, 'rules'), '2001:db8:5::7:allow\n127.0.3.7:allow\n:allow\n');
      const enforcer = imposed('2001:db8:5::7', '127.0.3.7');
      expect(letIn(['2001:db8:5::7', '127.0.3.7'])).toEqual([]);
      enforcer.close();
    });
  },
);

test.for(ownRules.filter(({ block }) => block !== net127))(
  'whose entry refuses $client in $block beside $rule is told as it is',
  unless(reason),
  ({ block, rule, client, wins }) => {
    const owner = (instructions: string) => {
      writeFileSync(join(directory, 'rules'), `${rule}:${instructions}\n:allow\n`);
      const enforcer = imposed(block);
      const is = enforcer.entryOwner(addressFor(client), blockOf(block));
      enforcer.close();
      return is;
    };
    expect(owner('allow')).toBe(wins === 'always' ? 'absent' : 'ours');
    expect(owner('deny')).toBe(wins === 'always' ? 'theirs' : 'ours');
  },
);

const cases = [
  {
    block: '2001:db8:5::/64',
    inside: ['2001:db8:5::1', '2001:db8:5:0:1:2:3:4', '2001:db8:5:0:1::4', '2001:db8:5:0:0:2:3:4'],
    outside: ['2001:db8:5:1::1', '2001:db8:50::1', '2001:db8:6::1'],
  },
  {
    block: '2001:db8:7:8::/64',
    inside: ['2001:db8:7:8::1', '2001:db8:7:8:1:2:3:4', '2001:db8:7:8:0:1:1:1'],
    outside: ['2001:db8:7:80::1', '2001:db8:7::8'],
  },
  {
    block: '2001:db8:9::/48',
    inside: ['2001:db8:9::1', '2001:db8:9:1:2:3:4:5'],
    outside: ['2001:db8:90::1'],
  },
  {
    block: '2001:db8:1:1:1:1:0:1',
    inside: ['2001:db8:1:1:1:1:0:1'],
    outside: ['2001:db8:1:1:1:1:1:1'],
  },
  { block: '2001:db8::77', inside: ['2001:db8::77'], outside: ['2001:db8::78'] },
  { block: '127.0.2.1', inside: ['127.0.2.1'], outside: ['127.0.2.2'] },
  { block: '127.0.3.0/24', inside: ['127.0.3.1'], outside: ['127.0.30.1'] },
] as const;

describe('what is in force, the real tcpserver refuses', unless(reason ?? noNamespace()), () => {
  test.for([[], ['-6']])('with the options %j', (options) => {
    const enforcer = imposed(...cases.map(({ block }) => block));
    for (const { block } of cases) expect(enforcer.impose(blockOf(block)), block).toBe('in force');
    const inside = cases.flatMap((each) => each.inside);
    const outside = cases.flatMap((each) => each.outside);
    expect(letIn([...inside, ...outside], ...options)).toEqual(outside);
    enforcer.close();
  });
});

test.for(['2001:db8::/64', '2001:db8:0:1::/64', '2001:db8:5::/56'])(
  '%s, which no rule can name, is not possible',
  unless(reason),
  (text) => {
    const enforcer = imposed(text, '192.0.2.1');
    const block = blockOf(text);
    expect(enforcer.impose(block)).toBe('not possible');
    expect(enforcer.lift(block)).toBe(false);
    const client = addressFor('2001:db8:0:1::1');
    expect(enforcer.entryOwner(client, block)).toBe('absent');
    expect(checkRefuses(client.text)).toBe(false);
    expect(enforcer.impose(blockOf('192.0.2.1'))).toBe('in force');
    expect(checkRefuses('192.0.2.1')).toBe(true);
    enforcer.close();
  },
);

test('a network with another spelling is ours, as tcprulescheck says', unless(reason), () => {
  const enforcer = imposed('2001:db8:5::/64');
  const block = blockOf('2001:db8:5::/64');
  expect(enforcer.entryOwner(addressFor('2001:db8:5::1'), block)).toBe('ours');
  expect(checkRefuses('2001:db8:5::1')).toBe(true);
  expect(enforcer.lift(block)).toBe(true);
  enforcer.rebuild.flush();
  expect(checkRefuses('2001:db8:5::1')).toBe(false);
  enforcer.close();
});
