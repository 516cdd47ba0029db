/**
 * `var` on a real configuration: what it shows, and what a change affects.
 *
 * Tests: src/config/camel-case.ts, src/config/config.ts, src/config/read-words.ts
 * Tests: src/config/keep-fixed.ts, src/config/setting-values.ts
 */
import { describe, expect, test } from 'vitest';
import { settingRows } from '../../src/config/schema.ts';
import { LiveVariables } from '../../src/daemon/variables.ts';
import { configFrom, gatekeeperSite } from '../gatekeeper/site.ts';

const text = `
  limits   : { ip: ( ("*", 60, 1) ); user: ( ("*", 60, 1) ); };
  blocking : { time: 120; };`;

function site() {
  const { gatekeeper, ask, asked, peers } = gatekeeperSite(text);
  const configured = configFrom(text);
  const logged: unknown[] = [];
  const log = { debug() {}, info() {}, error() {} };
  let inUse = configured;
  const variables = new LiveVariables({
    gatekeeper,
    log: { ...log, warn: (...line) => void logged.push(line) },
    configured: () => configured,
    inUse: () => inUse,
    use: (config) => {
      inUse = config;
      gatekeeper.configure(config);
    },
  });
  return { gatekeeper, ask, asked, peers, variables, logged, inUse: () => inUse };
}

test('shows every setting of the schema, those of classes once per class', () => {
  const { variables } = site();
  const wanted = settingRows().flatMap(({ group, name }) => {
    return group === 'class'
      ? [`classes.ip.${name}`, `classes.user.${name}`]
      : [`${group}.${name}`];
  });
  expect(
    variables
      .all()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['enforce', ...wanted].sort());
});

test('shows the values in use', () => {
  const { variables } = site();
  const values = Object.fromEntries(variables.all().map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    enforce: 'on',
    'settings.socket_mode': '0660',
    'settings.port': '-',
    'settings.log': '/dev/stderr',
    'blocking.time': '(120)',
    'blocking.classes': '(ip)',
    'blocking.message': '"Too many connections, try again later"',
    'classes.ip.dry_run': 'false',
    'overload.above': '100',
  });
});

describe('set', () => {
  /** A value for every variable that is live: the words, and how it is shown. */
  const live = {
    enforce: ['off', 'off'],
    'settings.max_age': ['30', '30'],
    'settings.history': ['0', '0'],
    'settings.history_days': ['7', '7'],
    'settings.log_level': ['4', '4'],
    'blocking.time': ['5 10', '(5, 10)'],
    'blocking.factor': ['1.5', '1.5'],
    'blocking.cap': ['1000', '1000'],
    'blocking.decay': ['60', '60'],
    'blocking.jitter': ['29', '29'],
    'classes.ip.concurrent': ['3', '3'],
    'classes.ip.dry_run': ['yes', 'true'],
    'classes.ip.overload': ['on', 'true'],
    'classes.user.concurrent': ['3', '3'],
    'classes.user.dry_run': ['true', 'true'],
    'classes.user.overload': ['true', 'true'],
  } as const;

  test('changes exactly the live ones', () => {
    const { variables } = site();
    const isLive = variables.all().filter((each) => each.isLive);
    expect(isLive.map(({ name }) => name).sort()).toEqual(Object.keys(live).sort());
    for (const { name } of variables.all().filter((each) => !each.isLive)) {
      expect(() => variables.set(name, ['1']), name).toThrow(/cannot change while rater runs/);
    }
  });

  test.each(Object.entries(live))('%s %j', (name, [words, shown]) => {
    const { variables, logged } = site();
    const before = variables.all();
    const { value: was } = variables.get(name);
    expect(variables.set(name, words.split(' ')).value).toBe(shown);
    expect(logged).toEqual([['changed', { name, from: was, to: shown }]]);
    // Nothing else has changed, and the file's value is shown beside it.
    const expected = before.map((each) => {
      if (each.name !== name) return each;
      return { ...each, value: shown, configured: name === 'enforce' ? undefined : was };
    });
    expect(variables.all()).toEqual(expected);
  });

  test.each([
    ['log_level', '5', /settings.log_level must be a whole number from 0 to 4, not 5/],
    ['log_level', 'debug', /must be a whole number/],
    ['blocking.time', '10 5', /rising list/],
    ['blocking.time', '0', /must be/],
    ['enforce', 'maybe', /enforce must be on or off, not maybe/],
    ['enforce', 'off off', /must be on or off/],
    ['classes.ip.dry_run', '1', /must be true or false/],
    ['jitter', '1e1', /must be/],
    ['nonsense', '1', /no such variable: nonsense/],
    ['dry_run', 'on', /dry_run may be classes.ip.dry_run or classes.user.dry_run/],
    ['time"', '1', /no such variable/],
  ])('%s %s is refused and changes nothing', (name, words, why) => {
    const { variables, logged, inUse } = site();
    const before = inUse();
    expect(() => variables.set(name, words.split(' '))).toThrow(why);
    expect(inUse()).toBe(before);
    expect(logged).toEqual([]);
  });

  test('enforce off lets everybody in, counts and logs; on refuses again', async () => {
    const { variables, asked, ask, gatekeeper, peers: _ } = site();
    variables.set('enforce', ['off']);
    expect(await asked('ip 192.0.2.1', 3)).toEqual(['0 1/1', '0 2/1', '0 2/1']);
    expect(await asked('user bob', 2)).toEqual(['0 1/1', '0 2/1']);
    expect(gatekeeper.blocks.size).toBe(0);
    expect(gatekeeper.dryRuns.blocksTold).toBe(1);
    expect(gatekeeper.dryRuns.refusalsTold).toBe(3);
    variables.set('enforce', ['on']);
    expect(await ask('ip 192.0.2.1')).toBe('1 2/1 120');
    expect(await ask('user bob')).toBe('1 2/1');
  });

  test('enforce off leaves a block that is in force as it is', async () => {
    const { variables, asked, ask } = site();
    await asked('ip 192.0.2.1', 2);
    variables.set('enforce', ['off']);
    expect(await ask('ip 192.0.2.1')).toBe('1 2/1 120');
  });

  test('blocking.time takes effect from the next block on', async () => {
    const { variables, asked } = site();
    variables.set('time', ['7']);
    expect(await asked('ip 192.0.2.1', 2)).toEqual(['0 1/1', '1 2/1 7']);
  });

  test('dry_run of one class leaves the others', async () => {
    const { variables, asked } = site();
    variables.set('classes.user.dry_run', ['on']);
    expect(await asked('user bob', 2)).toEqual(['0 1/1', '0 2/1']);
    expect(await asked('ip 192.0.2.1', 2)).toEqual(['0 1/1', '1 2/1 120']);
  });

  test('hits from before are still counted', async () => {
    const { variables, ask } = site();
    await ask('ip 192.0.2.1');
    variables.set('max_age', ['30']);
    variables.set('classes.ip.concurrent', ['5']);
    expect(await ask('ip 192.0.2.1')).toBe('1 2/1 120');
  });
});
