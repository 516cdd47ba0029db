/**
 * Tests: src/config/closest-name.ts, src/config/contradictions.ts, src/config/mistakes.ts
 * Tests: src/config/read-group.ts, src/config/read-limits.ts, src/config/value-kinds.ts
 */
import { describe, expect, test } from 'vitest';
import { checkConfig, loadConfig } from '../../src/config/load-config.ts';
import { settingRows } from '../../src/config/schema.ts';
import { Fault } from '../../src/runtime/errors.ts';
import { checked, directory, written } from './mistakes-in.ts';

const times = 'a whole number of seconds from 1 to 31536000, or a rising list of them';

describe('mistakes', () => {
  const limits = 'limits: { ip: () };';
  const within = (group: string, text: string) => `${limits}\n${group}: { ${text} };`;

  test.each<[string, string[]]>([
    ['', ['c: limits is missing: there is nothing to do']],
    ['settings: { }', ['c: limits is missing: there is nothing to do']],
    ['\nlimits: { }', ['c:2: limits has no class: there is nothing to do']],
    ['limits: ()', ['c:1: limits must be a group { }, not ()']],
    [`${limits}\nport: 25`, ['c:2: unknown setting port; it belongs in settings']],
    [`${limits}\nblokcing: { }`, ['c:2: unknown setting blokcing; did you mean blocking?']],
    [`${limits}\nqqq: 1`, ['c:2: unknown setting qqq']],
    [
      within('settings', 'sokcet: "x"'),
      ['c:2: unknown setting settings.sokcet; did you mean socket?'],
    ],
    [
      within('settings', 'log-level: 1'),
      ['c:2: unknown setting settings.log-level; did you mean log_level?'],
    ],
    [within('settings', 'time: 5'), ['c:2: unknown setting settings.time; it belongs in blocking']],
    [
      within('settings', 'socket: ""'),
      ['c:2: settings.socket must be a path of at most 107 bytes in full, not ""'],
    ],
    [
      within('settings', `socket: "/${'x'.repeat(107)}"`),
      [
        `c:2: settings.socket must be a path of at most 107 bytes in full, not "/${'x'.repeat(59)}..."`,
      ],
    ],
    [
      within('settings', 'socket_mode: "0999"'),
      ['c:2: settings.socket_mode must be an octal mode such as "0660", not "0999"'],
    ],
    [
      within('settings', 'socket_mode: 0x1b0'),
      ['c:2: settings.socket_mode must be an octal mode such as "0660", not 0x1b0'],
    ],
    [
      within('settings', 'socket_group: -1'),
      ['c:2: settings.socket_group must be the name or number of a group, not -1'],
    ],
    [
      within('settings', 'address: "localhost"'),
      ['c:2: settings.address must be an IP address, not "localhost"'],
    ],
    [within('settings', 'port: 0'), ['c:2: settings.port must be a port from 1 to 65535, not 0']],
    [
      within('settings', 'port: 65536'),
      ['c:2: settings.port must be a port from 1 to 65535, not 65536'],
    ],
    [
      within('settings', 'port: "25"'),
      ['c:2: settings.port must be a port from 1 to 65535, not "25"'],
    ],
    [
      within('settings', 'port: 025'),
      ['c:2: settings.port must be a port from 1 to 65535, not 025'],
    ],
    [
      within('settings', 'max_age: 1.5'),
      ['c:2: settings.max_age must be a whole number of seconds from 1 to 2678400, not 1.5'],
    ],
    [
      within('settings', 'expiration_timer: true'),
      [
        'c:2: settings.expiration_timer must be a whole number of seconds from 1 to 86400, not true',
      ],
    ],
    [
      within('settings', 'log_level: 5'),
      ['c:2: settings.log_level must be a whole number from 0 to 4, not 5'],
    ],
    [
      within('settings', 'log_format: "xml"'),
      ['c:2: settings.log_format must be "auto", "human", "plain" or "json", not "xml"'],
    ],
    [
      within('settings', 'db_path: [1]'),
      ['c:2: settings.db_path must be a path or ":memory:", not [1]'],
    ],
    [within('blocking', 'time: 0'), [`c:2: blocking.time must be ${times}, not 0`]],
    [within('blocking', 'classes: 5'), ['c:2: blocking.classes must be a list of strings, not 5']],
    [
      within('blocking', '\nclasses: ("ip", "net")'),
      ['c:3: blocking.classes: there is no class "net" in limits'],
    ],
    [
      'limits: { user: () };\nblocking: { }',
      ['c:2: blocking.classes: there is no class "ip" in limits'],
    ],
    [within('blocking', 'tcprules: { source: "x" }'), ['c:2: blocking.tcprules.cdb is missing']],
    [within('blocking', 'tcprules: "x"'), ['c:2: tcprules must be a group { }, not "x"']],
    [
      within('blocking', 'tcprules: { source: "x"; cbd: "y" }'),
      [
        'c:2: unknown setting blocking.tcprules.cbd; did you mean cdb?',
        'c:2: blocking.tcprules.cdb is missing',
      ],
    ],
    ['limits: { ip: 5 }', ['c:1: limits.ip must be a list of ("pattern", seconds, count), not 5']],
    [
      'limits: { ip: (("*", (60, 10), (60, 20))) }',
      ['c:1: limits.ip: two windows of 60 seconds for one pattern'],
    ],
    ['limits: { ip: (5) }', ['c:1: limits.ip: a limit must be ("pattern", seconds, count), not 5']],
    [
      'limits: { ip: ("*", 60) }',
      [
        'c:1: limits.ip: a limit must be ("pattern", seconds, count), not "*"',
        'c:1: limits.ip: a limit must be ("pattern", seconds, count), not 60',
      ],
    ],
    [
      'limits: { ip: (("*", 60)) }',
      ['c:1: limits.ip: a limit must be ("pattern", seconds, count), not a list of 2'],
    ],
    [
      'limits: { ip: (("*", (60, 1), 5)) }',
      ['c:1: limits.ip: a limit must be ("pattern", seconds, count), not a list of 3'],
    ],
    ['limits: { ip: ((1, 60, 1)) }', ['c:1: limits.ip: the pattern must be a string, not 1']],
    [
      'limits: { ip: (("10.0.0.0/33", 60, 1)) }',
      ['c:1: limits.ip: "10.0.0.0/33" is no address, network or pattern'],
    ],
    [
      'limits: { ip: (("10.0.0", 60, 1)) }',
      ['c:1: limits.ip: "10.0.0" is no address, network or pattern'],
    ],
    [
      'limits: { ip: (("*", 0, 1)) }',
      ['c:1: limits.ip: seconds must be a whole number from 1 to 2678400, not 0'],
    ],
    [
      'limits: { ip: (("*", 60, -2)) }',
      ['c:1: limits.ip: count must be a whole number from -1 (unlimited) to 1000000, not -2'],
    ],
    [
      'limits: { ip: (("*",\n(60, 1),\n(5, "x"))) }',
      ['c:3: limits.ip: count must be a whole number from -1 (unlimited) to 1000000, not "x"'],
    ],
    [
      `${limits}\nallow: ("192.0.2.1", 5)`,
      ['c:2: allow must be a list of addresses and networks, not ("192.0.2.1", 5)'],
    ],
    [`${limits}\nallow: 5`, ['c:2: allow must be a list of addresses and networks, not 5']],
    [
      `${limits}\nallow: ("1.2.3.4",\n"x",\n"1.2.3.4/33")`,
      [
        'c:3: allow: "x" is no address or network',
        'c:4: allow: "1.2.3.4/33" is no address or network',
      ],
    ],
  ])('%j', (text, mistakes) => {
    expect(checked(text)).toEqual({ config: undefined, mistakes });
  });

  test('all are reported at once, in the order of the file', () => {
    const { mistakes } = checked(`allow: ("x");
      blocking: { time: -1; tcprules: { }; };
      limits: { ip: ( ("1/2", 0, -5) ); user ( ) };
      settings: { port: 99999; log_levle: 3; db_path: };`);
    expect(mistakes).toEqual([
      'c:1: allow: "x" is no address or network',
      `c:2: blocking.time must be ${times}, not -1`,
      'c:2: blocking.tcprules.source is missing',
      'c:2: blocking.tcprules.cdb is missing',
      'c:3: expected ":" after user, not "("',
      'c:3: limits.ip: seconds must be a whole number from 1 to 2678400, not 0',
      'c:3: limits.ip: count must be a whole number from -1 (unlimited) to 1000000, not -5',
      'c:3: limits.ip: "1/2" is no address, network or pattern',
      'c:4: expected a value of db_path, not "}"',
      'c:4: unknown setting settings.log_levle; did you mean log_level?',
      'c:4: settings.port must be a port from 1 to 65535, not 99999',
    ]);
  });

  test('a broken setting is not also called missing', () => {
    expect(checked('limits: (').mistakes).toEqual(['c:1: expected a value of limits, not the end']);
  });

  test.for(settingRows().filter(({ group }) => !/class|tcprules/.test(group)))(
    '$group $name without its colon is one, and no bug',
    ({ group, name }) => {
      expect(checked(within(group, `${name} "x";`)).mistakes).toContain(
        `c:2: expected ":" after ${name}, not string "x"`,
      );
    },
  );

  test('a file that cannot be read is a mistake', () => {
    expect(checkConfig(`${directory}/none`).mistakes).toEqual([
      `${directory}/none: cannot read: ENOENT: no such file or directory`,
    ]);
    expect(checkConfig('/dev/zero').mistakes).toHaveLength(1);
  });

  test('loadConfig throws them all as one Fault', () => {
    const file = written({ c: 'limits: { ip: 1; user: 2 }' });
    const detail = checkConfig(file).mistakes.join('\n');
    expect(detail.split('\n')).toHaveLength(2);
    expect(() => loadConfig(file)).toThrow(new Fault('config', detail));
    expect(loadConfig(written({ c: limits })).file).toBe(file);
  });
});
