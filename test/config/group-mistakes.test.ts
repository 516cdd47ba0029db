/** Tests: src/config/read-classes.ts */
import { describe, expect, test } from 'vitest';
import { checked } from './mistakes-in.ts';

const limits = 'limits: { ip: (); net: (); user: () };';

function expectMistakes(text: string, ...mistakes: readonly string[]): void {
  const told = mistakes.map((mistake) => `c:2: ${mistake}`);
  expect(checked(`${limits}\n${text}`)).toEqual({ config: undefined, mistakes: told });
}

describe('mistakes in classes', () => {
  test.each<[string, string[]]>([
    ['classes: 5', ['classes must be a group { }, not 5']],
    ['classes: { ip: 5 }', ['classes.ip must be a group { }, not 5']],
    ['classes: { nte: { } }', ['classes.nte: there is no class "nte" in limits']],
    [
      'classes: { ip: { prefix: 24 } }',
      ['unknown setting classes.ip.prefix; did you mean prefix4?'],
    ],
    [
      'settings: { concurrent: 5 }',
      ['unknown setting settings.concurrent; it belongs in classes.NAME'],
    ],
    [
      'classes: { net: { prefix4: 7; prefix6: 129 } }',
      [
        'classes.net.prefix4 must be a whole number from 8 to 32, not 7',
        'classes.net.prefix6 must be a whole number from 16 to 128, not 129',
      ],
    ],
    [
      'classes: { user: { concurrent: -1 } }',
      ['classes.user.concurrent must be a whole number from 0 to 100000, not -1'],
    ],
    [
      'classes: { user: { dry_run: 1; overload: "yes" } }',
      [
        'classes.user.dry_run must be true or false, not 1',
        'classes.user.overload must be true or false, not "yes"',
      ],
    ],
    // Only what cannot be read would make net an address class, so nothing is said about its kind.
    [
      'classes: { ip: { also: ("net") } } blocking: { classes: ("net"); decay: -1 }',
      ['blocking.decay must be a whole number of seconds from 0 to 31536000, not -1'],
    ],
  ])('%j', (text, mistakes) => expectMistakes(text, ...mistakes));

  test.each<[string, string[]]>([
    ['ip: { fold: true }', ['classes.ip.fold is of no use in an address class']],
    ['net: { prefix4: 24; fold: true }', ['classes.net.fold is of no use in an address class']],
    ['ip: { also: 5 }', ['classes.ip.also must be a list of strings, not 5']],
    ['ip: { also: ("ip") }', ['classes.ip.also: names the class itself']],
    ['ip: { also: ("nte") }', ['classes.ip.also: there is no class "nte" in limits']],
    ['ip: { also: ("net", "net") }; net: { prefix4: 24 }', ['classes.ip.also: names "net" twice']],
    [
      'ip: { also: ("user", "net") }',
      [
        'classes.ip.also: "user" is not an address class, but "ip" is',
        'classes.ip.also: "net" is not an address class, but "ip" is',
      ],
    ],
    ['user: { also: ("ip") }', ['classes.user.also: "ip" is an address class, but "user" is not']],
    // It is unknown whether net would be one, so nothing is said about that.
    [
      'ip: { also: ("net") }; net: { prefix4: 99 }',
      ['classes.net.prefix4 must be a whole number from 8 to 32, not 99'],
    ],
  ])('classes: { %s }', (text, mistakes) => expectMistakes(`classes: { ${text} }`, ...mistakes));
});

describe('mistakes in penalties', () => {
  const seconds = 'a whole number of seconds from';
  test.each<[string, string]>([
    [
      'time: ()',
      `blocking.time must be ${seconds} 1 to 31536000, or a rising list of them, not ()`,
    ],
    [
      'time: (60, 30)',
      `blocking.time must be ${seconds} 1 to 31536000, or a rising list of them, not (60, 30)`,
    ],
    [
      'time: ("60")',
      `blocking.time must be ${seconds} 1 to 31536000, or a rising list of them, not ("60")`,
    ],
    ['cap: 119', 'blocking.cap (119) must not be less than the first blocking.time (120)'],
    [
      'time: (60, 600); cap: 59',
      'blocking.cap (59) must not be less than the first blocking.time (60)',
    ],
    ['cap: 0', `blocking.cap must be ${seconds} 1 to 31536000, not 0`],
    ['factor: 0.5', 'blocking.factor must be a number from 1 to 1000, not 0.5'],
    ['factor: "2"', 'blocking.factor must be a number from 1 to 1000, not "2"'],
    ['decay: -1', `blocking.decay must be ${seconds} 0 to 31536000, not -1`],
    ['jitter: 101', 'blocking.jitter must be a whole number from 0 to 100, not 101'],
    ['mode: "loud"', 'blocking.mode must be "silent" or "polite", not "loud"'],
    [
      'message: "it\'s"',
      'blocking.message must be a text of at most 400 printable ASCII characters without quotes or backslashes, not "it\'s"',
    ],
    [
      'message: ""',
      'blocking.message must be a text of at most 400 printable ASCII characters without quotes or backslashes, not ""',
    ],
    ['peers_cdb: "x"', 'blocking.peers_cdb is of no use without blocking.peers'],
    [
      'tcprules: { source: "x"; cdb: "./x" }',
      'blocking.tcprules.cdb must be another file than source',
    ],
    [
      'peers: "p"; peers_cdb: "y"; tcprules: { source: "x"; cdb: "y" }',
      'blocking.tcprules.cdb must be another file than blocking.peers_cdb',
    ],
    ['peers: "p"; peers_cdb: "p/c"', 'blocking.peers_cdb must not be in blocking.peers'],
    ['peers_timeout: 5', 'blocking.peers_timeout is of no use without blocking.peers'],
  ])('blocking: { %s }', (text, mistake) => expectMistakes(`blocking: { ${text} }`, mistake));

  test('a cap between the times of a list is not a mistake', () => {
    const { config } = checked(`${limits} blocking: { time: (60, 600); cap: 60 }`);
    expect(config?.blocking.penalty).toMatchObject({ steps: [60, 600], capSeconds: 60 });
  });
});

describe('mistakes in overload', () => {
  const words = 'a program and its arguments as a list of strings';
  test.each<[string, string]>([
    ['file: ""', 'overload.file must be a path, not ""'],
    ['command: ()', `overload.command must be ${words}, not ()`],
    ['command: ""', `overload.command must be ${words}, not ""`],
    ['command: ("", "x")', `overload.command must be ${words}, not ("", "x")`],
    ['above: 0', 'overload.above must be a whole number from 1 to 10000000, not 0'],
    ['below: 0', 'overload.below must be a whole number from 1 to 10000000, not 0'],
    ['above: 50', 'overload.below (80) must not be more than overload.above (50)'],
    ['above: 50; below: 51', 'overload.below (51) must not be more than overload.above (50)'],
    ['load_above: 0', 'overload.load_above must be a number from 0.01 to 100000, not 0'],
    ['load_below: 5', 'overload.load_below is of no use without overload.load_above'],
    [
      'load_above: 4; load_below: 4.5',
      'overload.load_below (4.5) must not be more than overload.load_above (4)',
    ],
    ['every: 86401', 'overload.every must be a whole number of seconds from 0 to 86400, not 86401'],
  ])('overload: { %s }', (text, mistake) => expectMistakes(`overload: { ${text} }`, mistake));

  test('the place is that of the setting', () => {
    const { mistakes } = checked(`${limits}\noverload: {\n  every: 5;\n  above: 5;\n}`);
    expect(mistakes.map((mistake) => mistake.split(' ')[0])).toEqual(['c:4:']);
  });
});
