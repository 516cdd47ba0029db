/** Tests: src/gatekeeper/class-table.ts */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { address } from '../core/blocks.ts';
import { configFrom, gatekeeperSite as site } from './site.ts';

/** Addresses may do more than their network. */
const both = `
  limits   : { ip: ( ("*", 60, 3) ); net: ( ("*", 60, 5) ); };
  classes  : { ip: { also: ("net"); }; net: { prefix4: 24; prefix6: 48; }; };
  blocking : { classes: ("ip", "net"); time: 120; };`;

function withoutBlocks(text: string): string {
  return text.replace(/blocking .*/, '');
}

test('one request hits the address and its network, and the exceeded one decides', async () => {
  const { ask, asked } = site(withoutBlocks(both));
  await asked('ip 192.0.2.1', 2);
  expect(await ask('net 192.0.2.99')).toBe('0 3/5');
  await asked('ip 192.0.2.2', 2);
  expect(await ask('ip 192.0.2.3')).toBe('1 6/5');
  expect(await ask('ip 198.51.100.1')).toBe('0 1/3');
});

test('a hit of the network alone does not count for the address', async () => {
  const { ask } = site(both);
  await ask('net 192.0.2.1');
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
});

test('classes that name each other count a hit once', async () => {
  const { ask } = site(both.replace('prefix6: 48;', 'prefix6: 48; also: ("ip");'));
  await ask('ip 192.0.2.1');
  expect(await ask('net 192.0.2.1')).toBe('0 2/5');
  expect(await ask('ip 192.0.2.1')).toBe('0 3/3');
});

test('a network of 24 bits is blocked by one file of three octets', async () => {
  const { ask, asked, peers, store, gatekeeper } = site(both);
  for (const last of [1, 2, 3, 4, 5]) expect(await ask(`ip 192.0.2.${last}`)).toMatch(/^0/);
  expect(await ask('ip 192.0.2.6')).toBe('1 6/5 120');
  expect(readdirSync(peers)).toEqual(['192.0.2']);
  expect(store.all()).toMatchObject([{ class: 'net', count: 6, limit: 5 }]);
  expect(await asked('ip 192.0.2.200', 1)).toEqual(['1 1/3 120']);
  expect(await ask('ip 192.0.3.1')).toBe('0 1/3');
  expect(gatekeeper.unblock(address('192.0.2.77'))?.address.text).toBe('192.0.2.0/24');
  expect([readdirSync(peers), store.all()]).toEqual([[], []]);
});

test('when both are exceeded the reply has the longer time', async () => {
  const { ask, asked, gatekeeper, time } = site(both.replace('time: 120', 'time: (120, 600)'));
  for (const last of [1, 2, 3, 4, 5, 6]) await ask(`ip 192.0.2.${last}`);
  gatekeeper.unblock(address('192.0.2.0/24'));
  time.ms += 60_000;
  await asked('ip 192.0.2.1', 3);
  for (const last of [2, 3]) await ask(`ip 192.0.2.${last}`);
  expect(await ask('ip 192.0.2.1')).toBe('1 6/5 600');
  expect(gatekeeper.blocks.size).toBe(2);
});

test('one excess is one offence, also when two classes count the same', async () => {
  const { asked, store } = site(`
    limits   : { ip: ( ("*", 60, 3) ); slow: ( ("*", 3600, 3) ); };
    classes  : { ip: { also: ("slow"); }; slow: { prefix4: 32; }; };
    blocking : { classes: ("ip", "slow"); time: (120, 600); };`);
  expect((await asked('ip 192.0.2.1', 4)).at(-1)).toBe('1 4/3 120');
  expect(store.offences(address('192.0.2.1')).times).toBe(1);
});

test('the hits of a network outlive the blocks of its addresses', async () => {
  const { ask, asked, time } = site(
    both.replace('60, 5', '3600, 6').replace('time: 120', 'time: 60'),
  );
  await asked('ip 192.0.2.1', 4);
  time.ms += 60_000;
  expect(await asked('ip 192.0.2.1', 2)).toEqual(['0 1/3', '0 2/3']);
  expect(await ask('ip 192.0.2.2')).toBe('1 7/6 60');
});

test('IPv6 is counted and blocked by 64 bits', async () => {
  const { ask, gatekeeper, peers } = site(`
    limits : { ip: ( ("*", 60, 3) ); }; blocking : { };`);
  expect(await ask('ip 2001:db8::1')).toBe('0 1/3');
  expect(await ask('ip 2001:db8::2')).toBe('0 2/3');
  expect(await ask('ip 2001:db8:0:1::1')).toBe('0 1/3');
  expect(await ask('ip 2001:db8::1')).toBe('0 3/3');
  expect(await ask('ip 2001:DB8:0::3')).toBe('1 4/3 120');
  expect(gatekeeper.blocks.all().map((block) => block.address.text)).toEqual(['2001:db8::/64']);
  expect(readdirSync(peers)).toEqual([]);
  expect(gatekeeper.unblock(address('2001:db8::9'))?.address.text).toBe('2001:db8::/64');
  expect(await ask('ip 2001:db8::1')).toBe('0 1/3');
});

test('a pattern matches the address, not the network by which it is counted', async () => {
  const { ask } = site(`
    limits  : { ip: ( ("2001:db8::1", 60, 9), ("2001:db8::/32", 60, 3) ); };
    classes : { ip: { prefix4: 24; }; };`);
  expect(await ask('ip 2001:db8::1')).toBe('0 1/9');
  expect(await ask('ip 2001:db8::2')).toBe('0 2/3');
});

test('several windows all apply at once, and the reply shows the fullest', async () => {
  const { asked, time } = site('limits : { user: ( ("*", (10, 3), (60, 5)) ); };');
  expect(await asked('user x', 4)).toEqual(['0 1/3', '0 2/3', '0 3/3', '1 4/3']);
  time.ms += 10_000;
  expect(await asked('user x', 2)).toEqual(['0 5/5', '1 6/5']);
  time.ms += 50_000;
  expect(await asked('user x', 1)).toEqual(['0 3/5']);
});

test('another configuration keeps what was counted, window by window', async () => {
  const limits = (text: string) => `limits : { user: ( ("*", ${text}) ); };`;
  const { ask, asked, gatekeeper, time } = site(limits('(10, 50), (60, 9)'));
  await asked('user x', 4);
  time.ms += 20_000;
  gatekeeper.configure(configFrom(limits('(60, 5)')));
  expect(await ask('user x')).toBe('0 5/5');
  gatekeeper.configure(configFrom(limits('(5, 50), (60, 8)')));
  expect(await asked('user x', 4)).toEqual(['0 6/8', '0 7/8', '0 8/8', '1 9/8']);
});

test('addresses of NAT64 are counted and blocked by the IPv4 address in them, not by a /64', async () => {
  const { ask, asked, gatekeeper } = site(both);
  for (const prefix of ['64:ff9b::', '64:ff9b:1::']) {
    await asked(`ip ${prefix}192.0.2.1`, 3);
    expect(await ask(`ip ${prefix}192.0.2.1`)).toBe('1 4/3 120');
    expect(await ask(`ip ${prefix}192.0.2.2`)).toBe('0 1/3');
    expect(await ask(`ip ${prefix}192.0.2.3`)).toBe('1 6/5 120');
    expect(await ask(`ip ${prefix}192.0.3.1`)).toBe('0 1/3');
  }
  expect(gatekeeper.blocks.all().map((block) => block.address.text)).toEqual([
    '64:ff9b::c000:201',
    '64:ff9b::c000:200/120',
    '64:ff9b:1::c000:201',
    '64:ff9b:1::c000:200/120',
  ]);
  // Beside them nothing has changed.
  await asked('ip 64:ff9b:2::1', 3);
  expect(await ask('ip 64:ff9b:2::2')).toBe('1 4/3 120');
  expect(gatekeeper.unblock(address('64:ff9b::192.0.2.1'))?.address.text).toBe('64:ff9b::c000:201');
});
