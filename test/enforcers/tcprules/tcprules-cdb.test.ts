/**
 * Tests: src/enforcers/cdb/cdb-file.ts, src/enforcers/cdb/rebuilt-cdb.ts
 * Tests: src/enforcers/tcprules/compile-rules.ts, src/enforcers/tcprules/run-tcprules.ts
 * Tests: src/enforcers/tcprules/try-lookups.ts
 * Tests: src/runtime/timers.ts
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findInCdb } from '../../../src/enforcers/cdb/cdb.ts';
import { TcprulesCdb } from '../../../src/enforcers/tcprules/tcprules-cdb.ts';
import { temporaryName } from '../../../src/files/replace-file.ts';
import { Fault } from '../../../src/runtime/errors.ts';
import { realTimers } from '../../../src/runtime/timers.ts';
import { addressFor, blockOf, findings, keepsEnforcerPromises } from '../../contract/enforcer.ts';
import { runTcprules, runTcprulescheck } from '../../golden/real-tools.ts';
import { missing, unless } from '../../run/unless.ts';
import { HandTimers } from '../../runtime/hand-timers.ts';
import { loggedInto } from '../logged-into.ts';
import { startTcpserver } from './tcpserver.ts';

const noCheck = missing('tcprules', 'tcprulescheck');

let directory: string;
let source: string;
let cdb: string;
let timers: HandTimers;
let logged: string[];
const opened: TcprulesCdb[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipthrottle-'));
  source = join(directory, 'tcp.smtp');
  cdb = join(directory, 'tcp.smtp.cdb');
  timers = new HandTimers();
  logged = [];
  writeFileSync(source, '127.:allow,RELAYCLIENT=""\n192.0.2.66:deny\n:allow\n');
});

afterEach(() => {
  for (const enforcer of opened.splice(0)) {
    try {
      enforcer.close();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  rmSync(directory, { recursive: true, force: true });
});

function open(tcprulesCommand?: string, clock = timers, message?: string): TcprulesCdb {
  const files = { source, cdb, tcprulesCommand, message };
  const enforcer = new TcprulesCdb(files, loggedInto(logged), clock);
  opened.push(enforcer);
  enforcer.reconcile([]);
  return enforcer;
}

function openFlushed(): TcprulesCdb {
  const enforcer = open();
  enforcer.rebuild.flush();
  return enforcer;
}

/** The bytes as Latin-1, so that equal ones are equal and differences can be read. */
function cdbText(): string {
  return readFileSync(cdb, 'latin1');
}

/** Changes whenever the file is replaced. */
function cdbIdentity(): string {
  const { ino, mtimeNs } = statSync(cdb, { bigint: true });
  return `${ino} ${mtimeNs}`;
}

function dataOf(key: string): string | undefined {
  const data = findInCdb(readFileSync(cdb), Buffer.from(key));
  return data && Buffer.from(data).toString('latin1');
}

function faultOf(work: () => void): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no Fault');
}

keepsEnforcerPromises(
  'TcprulesCdb',
  () => {
    const enforcer = open();
    return {
      enforcer,
      dropsConnection: ({ text }) => runTcprulescheck(cdb, text).includes('deny connection'),
      refuseAsAdmin: ({ text }) => {
        writeFileSync(source, `${text}:deny\n${readFileSync(source, 'utf8')}`);
      },
      close: () => {},
    };
  },
  noCheck,
);

const noServer = missing('tcprules', 'tcpserver', 'rblsmtpd');
const message = 'Slow down';

function openPolite(tcprulesCommand?: string, text = message): TcprulesCdb {
  return open(tcprulesCommand, timers, text);
}

keepsEnforcerPromises(
  'a polite TcprulesCdb under a real tcpserver with rblsmtpd',
  async () => {
    writeFileSync(source, ':allow,RBLSMTPD=""\n');
    const enforcer = openPolite();
    enforcer.rebuild.flush();
    const server = await startTcpserver(cdb);
    return {
      enforcer,
      dropsConnection: ({ text }) => server.refuses(text),
      refuseAsAdmin: ({ text }) => {
        writeFileSync(source, `${text}:deny\n${readFileSync(source, 'utf8')}`);
      },
      close: () => server.stop(),
    };
  },
  noServer,
);

describe('polite refusals', () => {
  test('rblsmtpd says the message with a 451, and nobody can relay', unless(noServer), async () => {
    writeFileSync(source, '127.:allow,RELAYCLIENT="",RBLSMTPD=""\n');
    const enforcer = openPolite();
    enforcer.impose(blockOf('127.192.2.1'));
    enforcer.rebuild.flush();
    const server = await startTcpserver(cdb);
    try {
      const said = await server.says('127.192.2.1');
      expect(said).toContain(`451 ${message}\r\n`);
      expect(said).not.toContain('in');
      expect(await server.says('127.192.2.2')).toBe('in and relays\n');
    } finally {
      await server.stop();
    }
  });

  test('are cut by rblsmtpd after 200 characters', unless(noServer), async () => {
    const enforcer = openPolite(undefined, `${'x'.repeat(199)}yz`);
    enforcer.impose(blockOf('127.192.2.1'));
    enforcer.rebuild.flush();
    const server = await startTcpserver(cdb);
    try {
      expect(await server.says('127.192.2.1')).toContain(`\r\n451 ${'x'.repeat(199)}y\r\n`);
    } finally {
      await server.stop();
    }
  });

  test(
    'are temporary ones, also when the message starts with a hyphen',
    unless(noServer),
    async () => {
      const enforcer = openPolite(undefined, '-Go away');
      enforcer.impose(blockOf('127.192.2.1'));
      enforcer.rebuild.flush();
      const server = await startTcpserver(cdb);
      try {
        expect(await server.says('127.192.2.1')).toContain('451  -Go away\r\n');
      } finally {
        await server.stop();
      }
    },
  );

  test('are what tcprules makes of our lines and the source behind them', unless(noCheck), () => {
    const enforcer = openPolite();
    enforcer.impose(blockOf('203.0.113.1'));
    enforcer.impose(blockOf('198.51.100.0/24'));
    enforcer.impose(blockOf('192.0.2.66'));
    enforcer.rebuild.flush();
    const polite = `allow,RBLSMTPD="${message}"`;
    const lines = `203.0.113.1:${polite}\n198.51.100.:${polite}\n192.0.2.66:deny\n`;
    const real = runTcprules(lines + readFileSync(source, 'utf8')).bytes;
    expect(cdbText()).toBe(Buffer.from(real ?? []).toString('latin1'));
  });

  test.each([
    ['192.0.2.1', '192.0.2.1:deny\n', 'D\0'],
    ['192.0.2.1', '192.0.:deny\n', 'D\0'],
    ['192.0.2.1', '192.0.2.7:allow\n:deny\n', 'D\0'],
    ['192.0.2.0/24', '192.0.2.:deny,A="b"\n', 'D\0'],
    ['192.0.2.0/24', '192.0.2.1:deny\n', `+RBLSMTPD=${message}\0`],
    ['192.0.2.1', '192.0.2.:allow\n192.0.:deny\n', `+RBLSMTPD=${message}\0`],
    ['192.0.2.1', '192.0.2.1:allow\n192.0.2.1:deny\n', `+RBLSMTPD=${message}\0`],
    ['192.0.2.1', '192.0.2.1:allow,RBLSMTPD="-listed"\n', `+RBLSMTPD=${message}\0`],
  ])('of %s over %j are %j: whom the admin denies stays denied', (text, rules, data) => {
    writeFileSync(source, rules);
    const enforcer = openPolite();
    enforcer.impose(blockOf(text));
    enforcer.rebuild.flush();
    expect(dataOf(text.endsWith('/24') ? '192.0.2.' : text)).toBe(data);
  });

  test('go through the installed tcprules where the source must', unless(noCheck), () => {
    writeFileSync(source, '198.51.100.0/24:deny\n192.0.2.1:allow,RELAYCLIENT=""\n:allow\n');
    const enforcer = openPolite();
    for (const text of ['192.0.2.1', '198.51.100.7']) enforcer.impose(blockOf(text));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe(`+RBLSMTPD=${message}\0`);
    // Whether the server's tcprules matches the line or not: the client is refused.
    expect(dataOf('198.51.100.7')).toBe('D\0');
    enforcer.lift(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('+RELAYCLIENT=\0');
  });

  test("are not confused with the admin's own", () => {
    writeFileSync(source, '192.0.2.1:allow,RBLSMTPD="-listed"\n192.0.2.2:allow,RBLSMTPD=""\n');
    const enforcer = openPolite();
    const block = blockOf('203.0.113.1');
    enforcer.impose(block);
    enforcer.rebuild.flush();
    expect(enforcer.entryOwner(addressFor('192.0.2.1'), undefined)).toBe('theirs');
    expect(enforcer.entryOwner(addressFor('192.0.2.2'), undefined)).toBe('absent');
    expect(enforcer.entryOwner(block.address, block)).toBe('ours');
    enforcer.lift(block);
    expect(enforcer.entryOwner(block.address, undefined)).toBe('ours');
    enforcer.rebuild.flush();
    expect(enforcer.entryOwner(block.address, undefined)).toBe('absent');
  });

  test('become silent ones at a start in the other mode', () => {
    const block = blockOf('203.0.113.1');
    const polite = openPolite();
    polite.reconcile([block]);
    polite.rebuild.flush();
    const silent = open();
    silent.reconcile([block]);
    silent.rebuild.flush();
    expect(dataOf('203.0.113.1')).toBe('D\0');
  });
});

describe('IPv6', () => {
  const single = blockOf('2001:db8::1');
  const network = blockOf('2001:db8:1::/64');

  /** Stands for the tcprules of ucspi-tcp6 or ucspi-ssl: keeps what it is told, drops IPv6 lines. */
  function capableTcprules(): string {
    console.warn(
      'a script stands for a tcprules that looks up IPv6 networks: no package of Debian has one',
    );
    const path = join(directory, 'capable');
    const script = `#!/bin/sh
cat > "${directory}/said"
grep -v '^[0-9a-f]*:[0-9a-f:]*' "${directory}/said" | exec tcprules "$@"
`;
    writeFileSync(path, script, { mode: 0o755 });
    const check = `#!/bin/sh
case $TCPREMOTEIP in *:*) echo "deny connection" ;; *) exec tcprulescheck "$@" ;; esac
`;
    writeFileSync(`${path}check`, check, { mode: 0o755 });
    return path;
  }

  const said = () => readFileSync(join(directory, 'said'), 'utf8');

  test("is never given to djb's tcprules but once, to try it", unless(noCheck), () => {
    writeFileSync(source, '198.51.100.0/24:deny\n:allow\n');
    const spy = join(directory, 'spy');
    const script = `#!/bin/sh
cat > "${directory}/said"; cat "${directory}/said" >> "${directory}/all"
exec tcprules "$@" < "${directory}/said"
`;
    writeFileSync(spy, script, { mode: 0o755 });
    const enforcer = open(spy);
    for (const block of [single, network]) expect(enforcer.impose(block)).toBe('pending');
    enforcer.rebuild.flush();
    for (let time = 0; time < 3; time++) {
      for (const block of [single, network]) {
        expect(enforcer.impose(block)).toBe('not possible');
        expect(enforcer.lift(block)).toBe(false);
      }
    }
    expect(enforcer.impose(blockOf('192.0.2.1'))).toBe('pending');
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('D\0');
    expect(readFileSync(join(directory, 'all'), 'utf8').match(/2001/g)?.length).toBe(1);
    expect(readdirSync(directory).filter((name) => name.startsWith('..'))).toEqual([]);
  });

  test('goes through a tcprules that takes it', unless(noCheck), () => {
    const enforcer = open(capableTcprules());
    expect(enforcer.impose(single)).toBe('pending');
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.impose(network);
    enforcer.rebuild.flush();
    expect(said()).toBe(
      `2001:db8::1:deny\n192.0.2.1:deny\n2001:db8:1::/64:deny\n${readFileSync(source, 'utf8')}`,
    );
    expect(enforcer.impose(single)).toBe('in force');
    expect(dataOf('192.0.2.1')).toBe('D\0');
    expect(enforcer.entryOwner(addressFor('2001:db8:1::7'), network)).toBe('ours');
    expect(enforcer.lift(single)).toBe(true);
    expect(enforcer.lift(network)).toBe(true);
    enforcer.rebuild.flush();
    expect(cdbText()).toBe(
      Buffer.from(
        runTcprules(`192.0.2.1:deny\n${readFileSync(source, 'utf8')}`).bytes ?? [],
      ).toString('latin1'),
    );
  });

  test('is refused politely, where the source does not deny it', unless(noCheck), () => {
    writeFileSync(source, '2001:db8:1::/48:deny\n:allow\n');
    const enforcer = open(capableTcprules(), timers, message);
    enforcer.reconcile([single, network]);
    enforcer.rebuild.flush();
    expect(said()).toContain(`2001:db8::1:allow,RBLSMTPD="${message}"\n2001:db8:1::/64:deny\n`);
  });

  test('does not keep other blocks out when tcprules no longer takes it', unless(noCheck), () => {
    const capable = capableTcprules();
    const enforcer = open(capable);
    enforcer.impose(single);
    enforcer.rebuild.flush();
    writeFileSync(capable, '#!/bin/sh\nexec tcprules "$@"\n');
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('D\0');
    expect(enforcer.impose(single)).toBe('not possible');
    expect(logged).toEqual([]);
  });
});

describe('the cdb', () => {
  test('is what tcprules makes of our denies and the source behind them', unless(noCheck), () => {
    const enforcer = open();
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.impose(blockOf('198.51.100.0/24'));
    enforcer.impose(blockOf('203.0.0.0/16'));
    enforcer.rebuild.flush();
    const lines = '192.0.2.1:deny\n198.51.100.:deny\n203.0.:deny\n';
    const real = runTcprules(lines + readFileSync(source, 'utf8')).bytes;
    expect(cdbText()).toBe(Buffer.from(real ?? []).toString('latin1'));
  });

  test('refuses a blocked address that the admin lets in, and gives his rule back', () => {
    writeFileSync(source, '192.0.2.1:allow,RELAYCLIENT=""\n');
    const enforcer = open();
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('D\0');
    enforcer.lift(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('+RELAYCLIENT=\0');
  });

  test('has the mode 0644 at first, and then the one that somebody gave it', () => {
    const enforcer = openFlushed();
    expect(statSync(cdb).mode & 0o7777).toBe(0o644);
    chmodSync(cdb, 0o600);
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('D\0');
    expect(statSync(cdb).mode & 0o7777).toBe(0o600);
  });

  test('is not touched when its bytes would stay the same', () => {
    const enforcer = openFlushed();
    const before = cdbIdentity();
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.lift(blockOf('192.0.2.1'));
    enforcer.reconcile([]);
    enforcer.rebuild.flush();
    open().rebuild.flush();
    expect(cdbIdentity()).toBe(before);
  });

  test('stays a symbolic link where it is one', () => {
    mkdirSync(join(directory, 'real'));
    symlinkSync('real/rules.cdb', cdb);
    writeFileSync(join(directory, 'real/rules.cdb'), '');
    openFlushed();
    expect(readlinkSync(cdb)).toBe('real/rules.cdb');
    expect(dataOf('192.0.2.66')).toBe('D\0');
  });

  test('holds 20 000 blocks and lets them go', () => {
    const blocks = Array.from({ length: 20_000 }, (_, i) => blockOf(`10.9.${i >> 8}.${i & 255}`));
    const enforcer = open();
    enforcer.reconcile(blocks);
    enforcer.rebuild.flush();
    const bytes = readFileSync(cdb);
    for (const { address } of blocks) {
      expect(findInCdb(bytes, Buffer.from(address.text))).toBeDefined();
    }
    enforcer.reconcile(blocks.slice(1, 2));
    enforcer.rebuild.flush();
    expect(dataOf('10.9.0.0')).toBeUndefined();
    expect(dataOf('10.9.0.1')).toBe('D\0');
  });

  test('leaves no temporary file, not even that of a killed process', () => {
    writeFileSync(temporaryName(cdb), 'half');
    writeFileSync(join(directory, '..tcp.smtp.cdb.4194305.tmp'), 'half');
    openFlushed();
    expect(readdirSync(directory).sort()).toEqual(['tcp.smtp', 'tcp.smtp.cdb']);
  });
});

describe('rebuilds', () => {
  test('many blocks of one turn are one rebuild at its end', () => {
    const enforcer = openFlushed();
    timers.advance(2000);
    const before = cdbIdentity();
    for (let i = 0; i < 50; i++) expect(enforcer.impose(blockOf(`10.0.0.${i}`))).toBe('pending');
    expect(cdbIdentity()).toBe(before);
    timers.advance(0);
    expect(dataOf('10.0.0.0')).toBe('D\0');
    expect(dataOf('10.0.0.49')).toBe('D\0');
    expect(enforcer.impose(blockOf('10.0.0.7'))).toBe('in force');
  });

  test('under attack come once a second, and the last block is not forgotten', () => {
    const enforcer = openFlushed();
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      enforcer.impose(blockOf(`10.0.0.${i}`));
      timers.advance(15);
      seen.add(cdbIdentity());
    }
    expect(seen.size).toBe(4);
    timers.advance(1000);
    expect(dataOf('10.0.0.199')).toBe('D\0');
  });

  test('an unblocked client gets in within a second, even in the middle of an attack', () => {
    const enforcer = openFlushed();
    enforcer.impose(blockOf('192.0.2.1'));
    timers.advance(1000);
    enforcer.impose(blockOf('10.0.0.1'));
    enforcer.lift(blockOf('192.0.2.1'));
    timers.advance(500);
    expect(dataOf('192.0.2.1')).toBeUndefined();
    expect(dataOf('10.0.0.1')).toBe('D\0');
  });

  test('happen with the real timers, too', async () => {
    const enforcer = new TcprulesCdb({ source, cdb }, () => {}, realTimers);
    opened.push(enforcer);
    enforcer.reconcile([blockOf('192.0.2.1')]);
    expect(existsSync(cdb)).toBe(false);
    await vi.waitFor(() => expect(dataOf('192.0.2.1')).toBe('D\0'), { timeout: 60_000 });
  });

  test('need all blocks first, because one block alone would let the others in', () => {
    const enforcer = new TcprulesCdb({ source, cdb }, () => {}, timers);
    expect(() => enforcer.impose(blockOf('192.0.2.1'))).toThrow('reconcile must');
    expect(() => enforcer.lift(blockOf('192.0.2.1'))).toThrow('reconcile must');
    enforcer.close();
    expect(existsSync(cdb)).toBe(false);
  });

  test('a block is not "in force" once somebody else replaced the cdb, and then it is again', () => {
    const enforcer = openFlushed();
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    rmSync(cdb);
    writeFileSync(cdb, Buffer.alloc(2048));
    expect(enforcer.impose(blockOf('192.0.2.1'))).toBe('pending');
    timers.advance(1000);
    expect(dataOf('192.0.2.1')).toBe('D\0');
    expect(enforcer.impose(blockOf('192.0.2.1'))).toBe('in force');
  });

  test('reconcile repairs a cdb that somebody removed, and forgets blocks not given', () => {
    const enforcer = openFlushed();
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    rmSync(cdb);
    enforcer.reconcile([blockOf('192.0.2.2')]);
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBeUndefined();
    expect(dataOf('192.0.2.2')).toBe('D\0');
  });
});

describe('when the rules do not compile', () => {
  const wrong: Record<string, readonly [spoil: () => void, detail: () => string]> = {
    'a missing source': [() => rmSync(source), () => `cannot read ${source}: ENOENT`],
    'mistakes, all of which are listed': [
      () => writeFileSync(source, ':allow\n1.2.3.4:reject\n1.2.3.5:deny,\n'),
      () =>
        `tcprules refuses ${source}: exit 100, "tcprules: fatal: unable to parse this line: 1.2.3.4:reject"; ${source}:2: after the address and a colon, it must say allow or deny; ${source}:3: `,
    ],
    'a line that the installed tcprules refuses': [
      () => writeFileSync(source, '::1:deny\n'),
      () => `tcprules refuses ${source}: exit 100, "tcprules: fatal: `,
    ],
  };

  test.for(Object.entries(wrong))(
    'because of %s, the old cdb stays, blocks are pending, and it is logged once',
    unless(noCheck),
    ([, [spoil, detail]]) => {
      const enforcer = openFlushed();
      timers.advance(2000);
      const before = cdbText();
      const good = readFileSync(source);
      spoil();
      enforcer.impose(blockOf('192.0.2.1'));
      timers.advance(20_000);
      enforcer.impose(blockOf('192.0.2.2'));
      timers.advance(20_000);
      expect(cdbText()).toBe(before);
      expect(enforcer.impose(blockOf('192.0.2.1'))).toBe('pending');
      expect(logged.length).toBe(1);
      expect(logged[0]).toContain(`error: cdb not compiled, the old one stays: ${detail()}`);

      const fault = faultOf(() => enforcer.rebuild.flush());
      expect(fault.code).toBe('enforcer');
      expect(fault.detail).toContain(detail());

      writeFileSync(source, good);
      timers.advance(5000);
      expect(dataOf('192.0.2.2')).toBe('D\0');
      expect(logged.slice(1)).toEqual([`info: cdb compiled again: ${cdb}`]);
      expect(readdirSync(directory).sort()).toEqual(['tcp.smtp', 'tcp.smtp.cdb']);
    },
  );

  test('a long list of mistakes is cut', () => {
    writeFileSync(source, 'x:y\n'.repeat(1000));
    const { detail } = faultOf(() => open().rebuild.flush());
    expect(detail).toMatch(/; and 990 more$/);
  });

  test('a new problem is logged, the old one is not logged again', () => {
    writeFileSync(source, 'x:y\n');
    open();
    timers.advance(20_000);
    rmSync(source);
    timers.advance(20_000);
    expect(logged.length).toBe(2);
  });

  test('a problem that comes back is logged again', () => {
    const enforcer = openFlushed();
    for (const text of ['x:y\n', ':allow\n', 'x:y\n']) {
      writeFileSync(source, text);
      enforcer.reconcile([]);
      timers.advance(20_000);
    }
    expect(logged.map((line) => line.split(':')[0])).toEqual(['error', 'info', 'error']);
  });

  test('a close that fails is the last try', () => {
    rmSync(source);
    const enforcer = open();
    expect(faultOf(() => enforcer.close()).code).toBe('enforcer');
    writeFileSync(source, ':allow\n');
    timers.advance(60_000);
    expect(existsSync(cdb)).toBe(false);
  });

  test.for(['/dev/null/tcp.cdb', '/nonexistent/tcp.cdb', '/proc/tcp.cdb'])(
    'a cdb that cannot be written (%s) is a Fault, and a log line in the daemon',
    (path) => {
      cdb = path;
      const enforcer = open();
      expect(faultOf(() => enforcer.rebuild.flush()).detail).toContain(`cannot replace ${path}`);
      timers.advance(60_000);
      expect(logged.length).toBe(1);
      expect(enforcer.entryOwner(addressFor('192.0.2.1'), undefined)).toBe('unknown');
      expect(faultOf(() => enforcer.close()).code).toBe('enforcer');
      enforcer.close();
    },
  );

  test('a tcprules that is not installed is named', () => {
    writeFileSync(source, '192.0.2.0/24:deny\n');
    const { detail } = faultOf(() => open('/nonexistent/tcprules').rebuild.flush());
    expect(detail).toContain('/nonexistent/tcprules is not there');
    expect(detail).toContain('ENOENT');
  });

  test('a mistake is told with the tcprules that could know better, but is not installed', () => {
    writeFileSync(source, ':allow,!GREYIP\n');
    const { detail } = faultOf(() => open('/nonexistent/tcprules').rebuild.flush());
    expect(detail).toContain('/nonexistent/tcprules is not there');
    expect(detail).toContain(`${source}:1: a variable needs =`);
  });

  test('a tcprules that dies is no success', () => {
    writeFileSync(source, '192.0.2.0/24:deny\n');
    const dying = join(directory, 'dying');
    writeFileSync(dying, '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
    expect(faultOf(() => open(dying).rebuild.flush()).detail).toContain('killed by SIGKILL');
    expect(existsSync(cdb)).toBe(false);
  });

  test('a tcprules that does nothing has failed', () => {
    writeFileSync(source, '192.0.2.0/24:deny\n');
    expect(faultOf(() => open('/bin/true').rebuild.flush()).detail).toContain('ENOENT');
    expect(existsSync(cdb)).toBe(false);
  });
});

describe('a source with foreign lines', unless(noCheck), () => {
  beforeEach(() => writeFileSync(source, '# mine\n198.51.100.0/24:deny\n192.0.2.1:allow\n:allow'));

  test('is compiled by the installed tcprules, our denies first and the source verbatim', () => {
    const spy = join(directory, 'spy');
    writeFileSync(
      spy,
      `#!/bin/sh\ncat > "${directory}/said"; exec tcprules "$@" < "${directory}/said"\n`,
    );
    chmodSync(spy, 0o755);
    const enforcer = open(spy);
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.impose(blockOf('203.0.113.0/24'));
    enforcer.rebuild.flush();
    const said = readFileSync(join(directory, 'said'), 'utf8');
    expect(said).toBe(`192.0.2.1:deny\n203.0.113.:deny\n${readFileSync(source, 'utf8')}`);
    expect(runTcprulescheck(cdb, '192.0.2.1')).toContain('deny connection');
    expect(cdbText()).toBe(Buffer.from(runTcprules(said).bytes ?? []).toString('latin1'));
  });

  test('keeps the mode, the untouched file and no temporary files, like any other', () => {
    const enforcer = openFlushed();
    chmodSync(cdb, 0o600);
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(statSync(cdb).mode & 0o7777).toBe(0o600);
    const before = cdbIdentity();
    enforcer.reconcile([blockOf('192.0.2.1')]);
    enforcer.rebuild.flush();
    expect(cdbIdentity()).toBe(before);
    expect(readdirSync(directory).sort()).toEqual(['tcp.smtp', 'tcp.smtp.cdb']);
  });

  test('leaves the owner unknown where only its own server can tell', () => {
    const enforcer = open();
    const block = blockOf('192.0.2.1');
    enforcer.impose(block);
    enforcer.rebuild.flush();
    expect(enforcer.entryOwner(block.address, block)).toBe('ours');
    expect(enforcer.entryOwner(addressFor('198.51.100.1'), undefined)).toBe('unknown');
  });
});

describe('a source with lines that only the installed tcprules knows', unless(noCheck), () => {
  /** Stands for indimail's, which has tcpserver remove a variable: `,!NAME`. */
  function removingTcprules(): string {
    console.warn("a script stands for indimail's tcprules: Debian has no package of it");
    const path = join(directory, 'removing');
    const script = `#!/bin/sh
sed 's/,![A-Za-z0-9_]*//g' | exec tcprules "$@"
`;
    writeFileSync(path, script, { mode: 0o755 });
    return path;
  }

  test('is given to it, and its word counts', () => {
    writeFileSync(source, '192.0.2.9:allow,RELAYCLIENT="",!GREYIP\n:allow,!GREYIP\n');
    const enforcer = open(removingTcprules());
    const block = blockOf('192.0.2.1');
    enforcer.impose(block);
    enforcer.rebuild.flush();
    const lines = '192.0.2.1:deny\n192.0.2.9:allow,RELAYCLIENT=""\n:allow\n';
    expect(cdbText()).toBe(Buffer.from(runTcprules(lines).bytes ?? []).toString('latin1'));
    expect(enforcer.impose(block)).toBe('in force');
    expect(logged).toEqual([]);
  });

  test.each([
    '192.0.2.:deny,!GREYIP\n:allow\n',
    '192.0.2.0-9:deny,!GREYIP\n:allow\n',
    ':deny,!GREYIP\n',
  ])('refuses in silence whom %j denies', (rules) => {
    writeFileSync(source, rules);
    const enforcer = openPolite(removingTcprules());
    enforcer.impose(blockOf('192.0.2.1'));
    enforcer.rebuild.flush();
    expect(dataOf('192.0.2.1')).toBe('D\0');
  });
});

describe(
  'the owner of an entry follows the order in which tcpserver looks',
  unless(noCheck),
  () => {
    const rules = '10.1.2.3:allow\n10.1.2.:deny\n10.1.:allow\n10.:deny\n192.0.2.66:deny\n';
    const cases = ['10.1.2.3', '10.1.2.4', '10.1.9.9', '10.9.9.9', '192.0.2.66', '11.0.0.1'];

    test.for(['', ':deny\n', ':allow\n', '=:deny\n'])('with the default %j', (byDefault) => {
      writeFileSync(source, rules + byDefault);
      const enforcer = openFlushed();
      for (const text of cases) {
        const isRefused = runTcprulescheck(cdb, text).includes('deny connection');
        const owner = enforcer.entryOwner(addressFor(text), undefined);
        expect(owner, text).toBe(isRefused ? 'theirs' : 'absent');
      }
    });

    test('a block that was lifted is ours until the rebuild has landed', () => {
      const enforcer = open();
      const block = blockOf('192.0.2.1');
      enforcer.impose(block);
      expect(enforcer.entryOwner(block.address, block)).toBe('unknown');
      enforcer.rebuild.flush();
      enforcer.lift(block);
      expect(enforcer.entryOwner(block.address, undefined)).toBe('ours');
      enforcer.rebuild.flush();
      expect(enforcer.entryOwner(block.address, undefined)).toBe('absent');
    });

    test('a source is looked at again once it has changed', () => {
      const enforcer = openFlushed();
      const owner = () => enforcer.entryOwner(addressFor('10.1.2.3'), undefined);
      expect(owner()).toBe('absent');
      writeFileSync(source, '192.0.2.0/24:deny\n:allow\n');
      expect(owner()).toBe('unknown');
      expect(owner()).toBe('unknown');
      writeFileSync(source, ':allow\n');
      expect(owner()).toBe('absent');
    });

    test('a cdb that is cut off is unknown', () => {
      const enforcer = openFlushed();
      writeFileSync(cdb, readFileSync(cdb).subarray(0, 2060));
      expect(enforcer.entryOwner(addressFor('192.0.2.66'), undefined)).toBe('unknown');
    });
  },
);

describe('a watched enforcer', () => {
  function openWatched(): TcprulesCdb {
    const enforcer = new TcprulesCdb({ source, cdb }, () => {});
    opened.push(enforcer);
    enforcer.reconcile([blockOf('192.0.2.1')]);
    enforcer.watch();
    enforcer.rebuild.flush();
    return enforcer;
  }

  /** Repeats `change` until it has had its effect: a watcher takes time to start. */
  function until(change: () => void, then: () => void): Promise<void> {
    change();
    let tries = 0;
    return vi.waitFor(
      () => {
        if (++tries % 20 === 0) change();
        then();
      },
      { timeout: 60_000, interval: 100 },
    );
  }

  test('compiles a source that the admin changed, keeping the blocks', async () => {
    openWatched();
    await until(
      () => writeFileSync(source, '192.0.2.99:deny\n'),
      () => expect(dataOf('192.0.2.99')).toBe('D\0'),
    );
    expect(dataOf('192.0.2.1')).toBe('D\0');
  });

  test('puts the blocks back when the admin compiled the cdb himself', async () => {
    openWatched();
    await until(
      () => {
        rmSync(cdb, { force: true });
        writeFileSync(cdb, Buffer.alloc(2048));
      },
      () => expect(dataOf('192.0.2.1')).toBe('D\0'),
    );
  });

  test(
    'drops what another program merges into the cdb, and keeps what is in the source',
    unless(noCheck),
    async () => {
      const merged = '192.0.2.44:allow,RELAYCLIENT=""\n';
      openWatched();
      await until(
        () => {
          const { bytes } = runTcprules(merged + readFileSync(source, 'utf8'));
          writeFileSync(`${cdb}.merged`, bytes ?? '');
          renameSync(`${cdb}.merged`, cdb);
        },
        () => expect([dataOf('192.0.2.44'), dataOf('192.0.2.1')]).toEqual([undefined, 'D\0']),
      );
      await until(
        () => writeFileSync(source, merged),
        () => expect(dataOf('192.0.2.44')).toBe('+RELAYCLIENT=\0'),
      );
      expect(dataOf('192.0.2.1')).toBe('D\0');
    },
  );

  test('stops at close', async () => {
    const watchers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
    const enforcer = openWatched();
    await vi.waitFor(() => expect(watchers()).toBeGreaterThan(0), { timeout: 60_000 });
    enforcer.close();
    await vi.waitFor(() => expect(watchers()).toBe(0), { timeout: 60_000 });
  });

  test('that is closed before it began never begins', async () => {
    const enforcer = openWatched();
    enforcer.close();
    await import('chokidar');
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(process.getActiveResourcesInfo()).not.toContain('FSEventWrap');
  });
});

describe('while tcprules takes its time', unless(noCheck), () => {
  /** Its first run goes on until the file `go` is there. */
  function slow(): TcprulesCdb {
    writeFileSync(source, '198.51.100.0/24:deny\n:allow\n');
    const path = join(directory, 'slow');
    const script = `#!/bin/sh
cd "${directory}"
if test ! -e started; then
  : > started
  until test -e go; do sleep 0.01; done
fi
exec tcprules "$@"
`;
    writeFileSync(path, script, { mode: 0o755 });
    // Only the first rebuild comes by itself.
    const once = {
      ...realTimers,
      after: (ms: number, task: () => void) => {
        return ms <= 0 ? realTimers.after(0, task) : () => {};
      },
    };
    const enforcer = new TcprulesCdb({ source, cdb, tcprulesCommand: path }, () => {}, once);
    opened.push(enforcer);
    return enforcer;
  }

  const isStarted = () => expect(existsSync(join(directory, 'started'))).toBe(true);

  test('a block is in the next build, and said to be in force only then', async () => {
    const enforcer = slow();
    const [first, second] = [blockOf('192.0.2.1'), blockOf('192.0.2.2')];
    enforcer.reconcile([first]);
    const landed = enforcer.rebuild.settle();
    await vi.waitFor(isStarted, { timeout: 60_000 });
    expect(enforcer.rebuild.inMs).toBe(0);
    expect(enforcer.impose(second)).toBe('pending');
    expect(enforcer.lift(first)).toBe(true);
    writeFileSync(join(directory, 'go'), '');
    await landed;
    expect([dataOf('192.0.2.1'), dataOf('192.0.2.2')]).toEqual(['D\0', undefined]);
    expect(enforcer.impose(second)).toBe('pending');
    expect(enforcer.entryOwner(first.address, undefined), 'still in the file').toBe('ours');
    await enforcer.rebuild.settle();
    expect([dataOf('192.0.2.1'), dataOf('192.0.2.2')]).toEqual([undefined, 'D\0']);
    expect(enforcer.impose(second)).toBe('in force');
  });

  test('flush does everything at once, and the abandoned build changes nothing', async () => {
    const enforcer = slow();
    enforcer.reconcile([blockOf('192.0.2.1')]);
    const landed = enforcer.rebuild.settle();
    await vi.waitFor(isStarted, { timeout: 60_000 });
    enforcer.impose(blockOf('192.0.2.2'));
    enforcer.rebuild.flush();
    await landed;
    const before = cdbIdentity();
    expect(dataOf('192.0.2.2')).toBe('D\0');
    const temporary = () => readdirSync(directory).filter((name) => name.startsWith('..'));
    await vi.waitFor(() => expect([enforcer.rebuild.inMs, temporary()]).toEqual([undefined, []]), {
      timeout: 60_000,
    });
    expect(cdbIdentity()).toBe(before);
  });
});

test('a source that was changed before anybody watched is noticed by the next inspection', () => {
  const enforcer = openFlushed();
  writeFileSync(source, '192.0.2.99:deny\n');
  expect(findings(enforcer, [])).toEqual([]);
  timers.advance(1000);
  expect(dataOf('192.0.2.99')).toBe('D\0');
});

test('a cdb that somebody replaced unseen is put right by the next inspection', () => {
  const enforcer = openFlushed();
  enforcer.impose(blockOf('192.0.2.1'));
  enforcer.rebuild.flush();
  rmSync(cdb);
  writeFileSync(cdb, Buffer.alloc(2048));
  expect(findings(enforcer, [blockOf('192.0.2.1')])).toEqual([]);
  timers.advance(1000);
  expect(dataOf('192.0.2.1')).toBe('D\0');
});
