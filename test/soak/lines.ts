/**
 * Lines to send, and what each must be answered: by its own rules, not by the program's parser.
 *
 * Guarantee: a value that is counted belongs to one worker, so no other worker makes hits for it.
 */
import type { Chance } from './chance.ts';
import type { ModelClass } from './model.ts';

/** How an error reply begins, or the value that gets the hit. */
export type Wanted = { readonly error: string } | { readonly key: string; readonly of: ModelClass };
export type Line = { readonly bytes: Buffer; readonly wanted: Wanted };

export const blockSeconds = 2;
/** Names a file that must never exist. */
export const marker = 'soak-was-here';

const ip: ModelClass = { rates: [{ seconds: 5, count: 5 }], blockSeconds };
const user: ModelClass = { rates: [{ seconds: 2, count: 4 }], blockSeconds: undefined };
const free: ModelClass = { rates: [{ seconds: 2, count: -1 }], blockSeconds: undefined };
const mail: ModelClass = {
  rates: [
    { seconds: 1, count: 3 },
    { seconds: 4, count: 8 },
  ],
  blockSeconds: undefined,
};

/** The same classes for rater. */
export const configuration = `
limits : {
  ip: ( ("*", 5, 5) );
  user: ( ("free-*", 2, -1), ("*", 2, 4) );
  mail: ( ("*", (1, 3), (4, 8)) );
};
blocking : { time: ${blockSeconds}; peers: "peers"; tcprules: { source: "rules"; cdb: "rules.cdb"; }; };
`;

const hostileValues = [
  '../../../../etc/passwd',
  `../../${marker}`,
  `/tmp/${marker}`,
  'a\0b',
  '\u001b[2J\u001b[31mred\u0007',
  "'; DROP TABLE blocks; --",
  '" OR ""="',
  `$(touch ../${marker})`,
  `\`touch /tmp/${marker}\``,
  `; touch ../${marker} #`,
  '| cat /etc/passwd',
  '%n%s%x%d',
  'a\rb',
  'rater: info: ready: forged=1',
  '\u202egnp.exe',
  '\u2028\u2029\u0085',
  '-rf',
  '__proto__',
  'constructor',
  '{"command":"status","arguments":[],"options":{}}',
  ' blanks  inside ',
  '☃'.repeat(200),
  'x'.repeat(900),
];

const noAddresses = [
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.4/8',
  '0x7f.1',
  '1.2.3.4\0',
  '1.2.3.4 ',
  '::1::',
  '..',
  '.',
  '0',
];

const hostileClasses = ['nix', '__proto__', 'toString', '../ip', 'IP', 'x'.repeat(990), '☃', '\0'];

export class LineMaker {
  readonly #chance: Chance;
  readonly #worker: number;
  #made = 0;

  constructor(chance: Chance, worker: number) {
    this.#chance = chance;
    this.#worker = worker;
  }

  /** Any line without an LF in it. */
  any(): Line {
    const kind = this.#chance.next();
    if (kind < 0.75) return this.valid();
    if (kind < 0.87) return this.#hostile();
    return this.#broken();
  }

  /** One that counts a hit. */
  valid(): Line {
    const chance = this.#chance;
    const kind = chance.next();
    if (kind < 0.35) return this.#address();
    if (kind < 0.55) return this.#counted('user', user, `w${this.#worker}-${chance.int(0, 30)}`);
    if (kind < 0.65) return this.#counted('user', free, `free-${this.#worker}-${chance.int(0, 5)}`);
    if (kind < 0.9) return this.#counted('mail', mail, `w${this.#worker}@${chance.int(0, 20)}`);
    return this.fresh();
  }

  /** One whose value was never seen before. */
  fresh(): Line {
    const number = this.#made++;
    if (this.#chance.is(0.5)) return this.#counted('user', user, `once-${this.#worker}-${number}`);
    return this.#counted('ip', ip, `2001:db8:${this.#worker}:${(number & 0xffff).toString(16)}::1`);
  }

  /** One address in several spellings. */
  #address(): Line {
    const [worker, number] = [this.#worker, this.#chance.int(0, 40)];
    const text = `10.77.${worker}.${number}`;
    const spelling = this.#chance.pick([text, `::ffff:${text}`, `::FFFF:${text}`]);
    return line(`ip ${spelling}`, { key: `ip ${text}`, of: ip });
  }

  #counted(name: string, of: ModelClass, value: string): Line {
    const text = `${name} ${value}`;
    return line(text, { key: text, of });
  }

  #hostile(): Line {
    const chance = this.#chance;
    const value = chance.pick(hostileValues);
    const kind = chance.next();
    if (kind < 0.5) return this.#counted('user', user, `${value}-${this.#worker}`);
    if (kind < 0.7) return line(`ip ${value}`, { error: 'Not an address' });
    if (kind < 0.8) return line(`ip ${chance.pick(noAddresses)}`, { error: 'Not an address' });
    return line(`${chance.pick(hostileClasses)} v`, { error: 'Class not found' });
  }

  #broken(): Line {
    const chance = this.#chance;
    const long = chance.is(0.03) ? 1 << 20 : 1001;
    return chance.pick([
      () => line('', { error: 'Bad input (no space)' }),
      () => line('user', { error: 'Bad input (no space)' }),
      () => line('user ', { error: 'Bad input (no value)' }),
      () => line(' x', { error: 'Bad input (no class)' }),
      () => line(`user ${'x'.repeat(long - 5)}`, { error: 'Line is too long' }),
      () => this.#counted('user', user, `${this.#worker}-`.padEnd(995, 'y')),
      () => {
        const bytes = Buffer.concat([Buffer.from('user a'), Buffer.of(0xc3, 0x28, 0xff)]);
        return { bytes, wanted: { error: 'Bad input (not UTF-8)' } };
      },
    ])();
  }
}

function line(text: string, wanted: Wanted): Line {
  return { bytes: Buffer.from(text), wanted };
}

/** What a person at the control shell might send; none of it changes anything. */
export const controlLines: readonly string[] = [
  'status',
  'uptime',
  'list',
  'list --json',
  'check 10.77.0.1',
  'mem',
  'prf',
  'tmr',
  'fds',
  'help',
  'help list',
  'var',
  'block',
  'block ../../x',
  'block 1.2.3',
  'unblock 203.0.113.77',
  'allow "',
  'check \u001b[2J',
  '\\',
  '{',
  '{}',
  '{"command":"nix","arguments":[],"options":{}}',
  '{"command":"status","arguments":[],"options":{"json":true}}',
  '{"command":"list","arguments":[1],"options":{}}',
  '{"__proto__":{"command":"list"}}',
  'x'.repeat(70_000),
  ...hostileValues,
];
