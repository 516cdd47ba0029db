/** What commands take for an address. */
import { expect, test } from 'vitest';
import { commandSite as site } from './site.ts';

const config = 'limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };';
const usage = 'ipthrottle: error: wrong usage: ';

test.each(['block', 'unblock', 'check', 'allow add', 'allow del'])(
  '%s of a network with bits beyond its prefix is refused, and both meanings are named',
  async (command) => {
    const { run, store } = site(config);
    for (const [text, network, address] of [
      ['192.0.2.7/24', '192.0.2.0/24', '192.0.2.7'],
      ['192.0.2.7/0', '0.0.0.0/0', '192.0.2.7'],
      ['2001:DB8::7/32', '2001:db8::/32', '2001:db8::7'],
    ]) {
      expect(await run(`${command} ${text}`)).toEqual([
        100,
        `${usage}${text}: did you mean ${network} or ${address}?`,
      ]);
    }
    expect([store.all(), store.allowances()]).toEqual([[], []]);
  },
);

test.each([
  ['0.0.0.0/0', 8],
  ['10.0.0.0/7', 8],
  ['::/0', 16],
  ['2000::/3', 16],
  ['::/15', 16],
])('%s is blocked and allowed only by force', async (text, shortest) => {
  const { run, store } = site(config);
  const refusal = `${usage}${text} is wider than /${shortest}: if all of it is meant, say --force`;
  expect(await run(`block 192.0.2.1 ${text}`)).toEqual([100, refusal]);
  expect(await run(`allow add 192.0.2.1 ${text}`)).toEqual([100, refusal]);
  expect([store.all(), store.allowances()]).toEqual([[], []]);
  expect((await run(`block ${text}`, { force: true }))[0]).toBe(0);
  expect(store.all()).toMatchObject([{ address: { text } }]);
  // Looking and taking back need none.
  expect((await run(`check ${text}`))[0]).toBe(1);
  expect((await run(`unblock ${text}`))[0]).toBe(0);
  expect((await run(`allow add ${text}`, { force: true }))[0]).toBe(0);
  expect((await run(`allow del ${text}`))[0]).toBe(0);
});

test.each(['10.0.0.0/8', '2001::/16', '192.0.2.0/24', '192.0.2.7/32', '2001:db8::7/128'])(
  '%s needs no force',
  async (text) => {
    const { run } = site(config);
    expect((await run(`block ${text}`))[0]).toBe(0);
  },
);
