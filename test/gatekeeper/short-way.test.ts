/** The short way answers what the general way would, and takes over nothing else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { MemoryCounters } from '../../src/counters/memory-counters.ts';
import { Gatekeeper } from '../../src/gatekeeper/gatekeeper.ts';
import { Health } from '../../src/health/health.ts';
import { Fault } from '../../src/runtime/errors.ts';
import type { Fields, Log } from '../../src/runtime/log.ts';
import { doNow } from '../../src/runtime/work.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import type { Line } from '../../src/wire/raw-line.ts';
import { errorReply, replyLine } from '../../src/wire/reply.ts';
import { parseRequest } from '../../src/wire/request.ts';
import { address } from '../core/blocks.ts';
import { rawLine } from '../wire/raw-lines.ts';
import { configFrom, session } from './site.ts';

/** A gatekeeper that is asked by lines, by the short way where `isShort`. */
function site(config: Config, isShort: boolean, maxValues?: number) {
  const time = { ms: 1_000_000_000_000 };
  const world = { isOverloaded: false };
  const lines: string[] = [];
  const tell = (event: string, fields?: Fields) => {
    lines.push(`${event} ${JSON.stringify(fields)}`);
  };
  const log: { -readonly [Level in keyof Log]: Log[Level] } = {
    info: tell,
    warn: tell,
    error: tell,
  };
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  const forget = ({ value }: { value: string }) => tell('forgot', { value });
  const gatekeeper = new Gatekeeper({
    config,
    health: new Health(log, clock),
    store: new SqliteStore(':memory:'),
    counters: new MemoryCounters(maxValues, forget),
    untrustedCounters: new MemoryCounters(maxValues, forget),
    enforcers: [],
    log,
    clock,
    random: () => 0,
    isOverloaded: () => world.isOverloaded,
  });
  gatekeeper.start();
  const sessions: ReturnType<typeof session>[] = [];
  /** How many lines went the short way. */
  const went = { short: 0 };
  const generally = async (line: Line, isUntrusted = false) => {
    const request = parseRequest(line);
    if (typeof request === 'string') return replyLine(errorReply(request));
    if (isUntrusted) return replyLine(await gatekeeper.hitUntrusted(request));
    const holder = request.isSession ? session() : undefined;
    if (holder) sessions.push(holder);
    return replyLine(await gatekeeper.hit(request, holder));
  };
  const ask = async (line: Line) => {
    const answer = isShort ? gatekeeper.hitShortly(rawLine(line), time.ms) : undefined;
    if (!answer) return generally(line);
    went.short += 1;
    if (typeof line === 'string') expect(answer.class).toBe(line.split(' ', 1)[0]);
    return replyLine(answer);
  };
  return { gatekeeper, time, world, log, tell, lines, sessions, went, ask, generally };
}

type Site = ReturnType<typeof site>;

const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.77', '198.51.100.7', '203.0.113.255'];
const networks = [
  ...addresses,
  ...['192.0.2.0/24', '192.0.2.0/30', '198.0.0.0/8', '0.0.0.0/0', '2001:db8::/32', '2001:db8::1'],
];
const oddValues = [
  '2001:db8::1',
  '::ffff:192.0.2.1',
  '192.0.2.01',
  ' 192.0.2.1',
  '192.0.2.1 ',
  'x',
];

const rate = fc.constantFrom(
  '60, 1',
  '60, 3',
  '60, 0',
  '60, -1',
  '(60, 3), (3600, 5)',
  '(1, 2), (60, -1)',
);
const pattern = fc.constantFrom(...networks, '192.0.2.*', '*');
const limit = fc.tuple(pattern, rate).map(([which, rates]) => `("${which}", ${rates})`);
const limits = fc.oneof(
  { weight: 2, arbitrary: rate.map((rates) => `( ("*", ${rates}) )`) },
  fc.array(limit, { maxLength: 4 }).map((all) => `( ${all.join(', ')} )`),
);
const traits = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  fc.constantFrom('prefix4: 24;', 'also: ("host");', 'concurrent: 1;', 'overload: true;'),
  fc.constantFrom('dry_run: true;', 'prefix6: 48;'),
);
const configuration = fc
  .record({
    ip: limits,
    host: limits,
    traits,
    allow: fc.uniqueArray(fc.constantFrom(...networks.filter((text) => text !== '0.0.0.0/0')), {
      maxLength: 2,
    }),
    blocking: fc.constantFrom('("ip")', '()', '("ip", "host")'),
  })
  .map(
    ({ ip, host, traits, allow, blocking }) => `
      limits   : { ip: ${ip}; host: ${host}; user: ( ("*", 60, 3) ); };
      classes  : { ip: { ${traits} }; host: { prefix6: 64; }; };
      blocking : { time: 40; classes: ${blocking}; };
      allow    : ( ${allow.map((text) => `"${text}"`).join(', ')} );`,
  );

const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...addresses) },
  fc.constantFrom(...oddValues),
);
const text = fc
  .tuple(fc.constantFrom('ip', 'ip', 'ip', 'ip', 'host', 'host', '+ip', 'user', 'ipx'), value)
  .map(([name, asked]) => `${name} ${asked}`);
const line = fc.oneof(
  { weight: 20, arbitrary: text },
  fc.constantFrom<Line>('ip', 'ip ', '', { is: 'too long' }),
);
const network = fc.constantFrom(...networks);

/** What happens to a site; what it returns must be the same both ways. */
type Step = readonly [what: string, happen: (site: Site) => unknown];

/** Faults are answers too: an allowlisted address cannot be blocked. */
function orFault(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 60,
    arbitrary: line.map((asked): Step => [`ask ${JSON.stringify(asked)}`, (at) => at.ask(asked)]),
  },
  line.map(
    (asked): Step => [`ask untrusted ${JSON.stringify(asked)}`, (at) => at.generally(asked, true)],
  ),
  {
    weight: 4,
    arbitrary: fc.constantFrom(1, 999, 1000, 5000, 39_000, 60_000, 4_000_000).map((ms): Step => {
      return [
        `${ms} ms pass`,
        ({ time }) => {
          time.ms += ms;
        },
      ];
    }),
  },
  network.map(
    (text): Step => [
      `block ${text}`,
      ({ gatekeeper }) => {
        const order = { address: address(text), seconds: 20, reason: '' };
        return orFault(() => gatekeeper.block(order).untilMs);
      },
    ],
  ),
  network.map(
    (text): Step => [
      `unblock ${text}`,
      ({ gatekeeper }) => gatekeeper.unblock(address(text))?.untilMs,
    ],
  ),
  fc
    .tuple(network, fc.constantFrom(20, undefined))
    .map(
      ([text, seconds]): Step => [
        `allow ${text} for ${seconds}`,
        ({ gatekeeper }) => gatekeeper.allow(address(text), seconds, '').lifted.length,
      ],
    ),
  network.map(
    (text): Step => [
      `disallow ${text}`,
      ({ gatekeeper }) => gatekeeper.allowlist.remove(address(text)),
    ],
  ),
  fc.constantFrom<Step>(
    ['end a session', ({ sessions }) => sessions.shift()?.end()],
    ['reap', ({ gatekeeper }) => gatekeeper.blocks.reap().length],
    ['sweep', ({ gatekeeper }) => doNow(gatekeeper.sweeping())],
    [
      'overload',
      ({ world }) => {
        world.isOverloaded = !world.isOverloaded;
      },
    ],
    [
      'switch enforcing',
      ({ gatekeeper: { verdicts } }) => {
        verdicts.isEnforcing = !verdicts.isEnforcing;
      },
    ],
    [
      'log hits',
      ({ log, tell }) => {
        log.debug = tell;
      },
    ],
    [
      'log no hits',
      ({ log }) => {
        log.debug = undefined;
      },
    ],
  ),
  configuration.map(
    (text): Step => [
      `configure ${text}`,
      ({ gatekeeper }) => gatekeeper.configure(configFrom(text)),
    ],
  ),
);

/** All that is remembered. */
async function remembered({ gatekeeper, lines, world }: Site): Promise<unknown> {
  const usages = await Promise.all(
    addresses.map(async (text) => {
      const all = await gatekeeper.usages(address(text));
      return all.map(({ class: { name }, counts, sessions, nextPenalty, wouldBlock }) => {
        return { name, counts, sessions, nextPenalty, until: wouldBlock?.untilMs };
      });
    }),
  );
  const { trackedValues, openSessions, blocks } = gatekeeper;
  return { usages, trackedValues, openSessions, blocks: blocks.size, lines, world };
}

test('Guarantee: both ways answer alike, and count by the same windows, whatever happens', async () => {
  const steps = fc.array(step, { maxLength: 80, size: 'max' });
  const room = fc.constantFrom(undefined, 3, 1);
  let short = 0;
  await fc.assert(
    fc.asyncProperty(configuration, steps, room, async (text, happening, maxValues) => {
      const config = configFrom(text);
      const [shortly, generally] = [site(config, true, maxValues), site(config, false, maxValues)];
      for (const [what, happen] of happening) {
        expect([what, await happen(shortly)]).toEqual([what, await happen(generally)]);
      }
      expect(await remembered(shortly)).toEqual(await remembered(generally));
      short += shortly.went.short;
    }),
    { numRuns: 150 },
  );
  expect(short).toBeGreaterThan(500);
});

const config = `
  limits   : { ip: ( ("192.0.2.0/24", 60, 3), ("2001:db8::/32", 60, 3), ("*", (60, 10), (3600, 11)) );
               free: ( ("192.0.2.0/24", 60, 3) ); glob: ( ("192.*", 60, 3), ("*", 60, 10) );
               all: ( ("0.0.0.0/0", 60, 10), ("192.*", 60, 3) ); wide: ( ("*", 60, 10) );
               paired: ( ("*", 60, 10) ); open: ( ("*", 60, 10) ); busy: ( ("*", 60, 10) );
               user: ( ("*", 60, 10) ); };
  classes  : { free: { prefix6: 64; }; glob: { prefix6: 64; }; all: { prefix6: 64; };
               wide: { prefix4: 24; }; paired: { prefix6: 64; also: ("ip"); };
               open: { prefix6: 64; concurrent: 5; }; busy: { prefix6: 64; overload: true; }; };
  blocking : { time: 120; };
  allow    : ( "198.51.100.0/25" );`;

describe('goes the short way:', () => {
  test.each([
    ['an address under the limit for all', 'ip 203.0.113.1', '0 1/10'],
    ['one that no limit names, without limit', 'free 203.0.113.1', '0 1/-'],
    ['one under a limit for all of IPv4', 'all 192.0.2.1', '0 1/10'],
    ['one beside an allowance', 'ip 198.51.100.128', '0 1/10'],
  ])('%s', (_, asked, reply) => {
    const { gatekeeper, time } = site(configFrom(config), true);
    const answer = gatekeeper.hitShortly(rawLine(asked), time.ms);
    expect(answer && replyLine(answer)).toBe(`${reply}\r\n`);
  });
});

describe('goes the general way, and counts nothing:', () => {
  test.each<[string, Line]>([
    ['an address with a limit of its own', 'ip 192.0.2.1'],
    ['an allowlisted one', 'ip 198.51.100.1'],
    ['one of IPv6', 'ip 2001:db8::1'],
    ['another spelling', 'ip 203.0.113.01'],
    ['no address', 'ip x'],
    ['a session', '+ip 203.0.113.1'],
    ['an unknown class', 'ipx 203.0.113.1'],
    ['a class of names', 'user 203.0.113.1'],
    ['a class with a glob before the limit for all', 'glob 203.0.113.1'],
    ['a class that counts by network', 'wide 203.0.113.1'],
    ['a class that counts in another too', 'paired 203.0.113.1'],
    ['a class with a limit for sessions', 'open 203.0.113.1'],
    ['a class that an overload refuses', 'busy 203.0.113.1'],
    ['no request', 'ip'],
    ['a line without text', { is: 'too long' }],
  ])('%s', (_, asked) => {
    const { gatekeeper, time } = site(configFrom(config), true);
    expect(gatekeeper.hitShortly(rawLine(asked), time.ms)).toBeUndefined();
    expect(gatekeeper.trackedValues).toBe(0);
  });

  test('a hit that exceeds its limit, in any of its windows', async () => {
    const { gatekeeper, time, ask } = site(configFrom(config), true);
    for (let hit = 1; hit <= 11; hit += 1) {
      expect(await ask('ip 203.0.113.1')).toMatch(/^0/);
      time.ms += 60_000;
    }
    expect(gatekeeper.hitShortly(rawLine('ip 203.0.113.1'), time.ms)).toBeUndefined();
    expect(await ask('ip 203.0.113.1')).toBe('1 12/11 120\r\n');
    expect(gatekeeper.hitShortly(rawLine('ip 203.0.113.1'), time.ms)).toBeUndefined();
  });

  test('a blocked address, until its block is lifted', () => {
    const { gatekeeper, time } = site(configFrom(config), true);
    const blocked = address('203.0.113.0/24');
    gatekeeper.block({ address: blocked, seconds: 60, reason: '' });
    expect(gatekeeper.hitShortly(rawLine('ip 203.0.113.1'), time.ms)).toBeUndefined();
    gatekeeper.unblock(blocked);
    expect(gatekeeper.hitShortly(rawLine('ip 203.0.113.1'), time.ms)).toMatchObject({ count: 1 });
  });

  test('every hit, while hits are logged', async () => {
    const { gatekeeper, time, log, tell, lines, ask } = site(configFrom(config), true);
    log.debug = tell;
    expect(gatekeeper.hitShortly(rawLine('ip 203.0.113.1'), time.ms)).toBeUndefined();
    expect(await ask('ip 203.0.113.1')).toBe('0 1/10\r\n');
    expect(lines).toEqual(['hit {"class":"ip","value":"203.0.113.1","status":0}']);
  });
});

test('what is asked the short way is forgotten for want of room as well', async () => {
  const { ask, time, lines, gatekeeper } = site(configFrom(config), true, 4);
  for (const last of [1, 2, 3]) {
    await ask(`ip 203.0.113.${last}`);
    time.ms += 1;
  }
  expect(lines).toEqual(['forgot {"value":"203.0.113.1"}']);
  expect(gatekeeper.trackedValues).toBe(2);
});
