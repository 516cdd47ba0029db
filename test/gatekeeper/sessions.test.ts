import { expect, test } from 'vitest';
import { configFrom, session, gatekeeperSite as site } from './site.ts';

function config(most: number, traits = ''): string {
  return `limits : { ip: ( ("*", 60, 50) ); };
    classes : { ip: { concurrent: ${most}; ${traits} }; }; blocking : { };`;
}

function sessions(many: number) {
  return Array.from({ length: many }, session);
}

test('with 20 sessions open the 21st is refused, not blocked; after one ends the next enters', async () => {
  const { ask, gatekeeper, lines } = site(config(20));
  const open = sessions(20);
  for (const holder of open) expect(await ask('ip 192.0.2.1', holder)).toMatch(/^0/);
  expect(await ask('ip 192.0.2.1', session())).toBe('1 21/20');
  expect(await ask('ip 192.0.2.2', session())).toBe('0 1/50');
  expect(gatekeeper.blocks.size).toBe(0);
  expect(lines).toEqual([
    'refused {"class":"ip","value":"192.0.2.1","why":"sessions","rate":"21/20"}',
  ]);
  open[7]?.end();
  expect(await ask('ip 192.0.2.1', session())).toMatch(/^0/);
  expect(await ask('ip 192.0.2.1', session())).toBe('1 21/20');
});

test('a refused client takes no place', async () => {
  const { ask } = site(config(1));
  const [first, second, third] = sessions(3);
  expect(await ask('ip 192.0.2.1', first)).toMatch(/^0/);
  expect(await ask('ip 192.0.2.1', second)).toMatch(/^1/);
  first?.end();
  expect(await ask('ip 192.0.2.1', third)).toMatch(/^0/);
  second?.end();
  expect(await ask('ip 192.0.2.1', session())).toBe('1 2/1');
});

test('a client refused by rate takes no place', async () => {
  const never = config(5).replace('60, 50', '60, 0').replace('blocking : { };', '');
  const { ask, time, gatekeeper } = site(never);
  expect(await ask('ip 192.0.2.1', session())).toBe('1 1/0');
  gatekeeper.configure(configFrom(config(1)));
  time.ms += 60_000;
  expect(await ask('ip 192.0.2.1', session())).toBe('0 1/50');
});

test('a request without a session takes no place, and is refused when all are taken', async () => {
  const { ask, asked } = site(config(1));
  expect(await asked('ip 192.0.2.1', 3)).toEqual(['0 1/50', '0 2/50', '0 3/50']);
  await ask('ip 192.0.2.1', session());
  expect(await ask('ip 192.0.2.1')).toBe('1 2/1');
});

test('concurrent: 0 lets nobody in', async () => {
  const { ask } = site(config(0));
  expect(await ask('ip 192.0.2.1', session())).toBe('1 1/0');
});

test('addresses of a network share its places', async () => {
  const { ask } = site(`
    limits  : { ip: ( ("*", 60, 50) ); net: ( ); };
    classes : { ip: { also: ("net"); concurrent: 2; }; net: { prefix4: 24; concurrent: 3; }; };`);
  const first = session();
  expect(await ask('ip 192.0.2.1', first)).toMatch(/^0/);
  expect(await ask('ip 192.0.2.1', session())).toMatch(/^0/);
  expect(await ask('ip 192.0.2.1', session())).toBe('1 3/2');
  expect(await ask('ip 192.0.2.2', session())).toMatch(/^0/);
  expect(await ask('ip 192.0.2.3', session())).toBe('1 4/3');
  expect(await ask('ip 192.0.3.3', session())).toMatch(/^0/);
  first.end();
  expect(await ask('ip 192.0.2.3', session())).toMatch(/^0/);
});

test('IPv6 addresses of one /64 share places', async () => {
  const { ask } = site(config(1));
  await ask('ip 2001:db8::1', session());
  expect(await ask('ip 2001:db8::2', session())).toBe('1 2/1');
});

test('an allowlisted address takes no place of its neighbours', async () => {
  const { ask } = site(`${config(1, 'prefix4: 24;')} allow : ( "192.0.2.1" );`);
  for (const holder of sessions(3)) expect(await ask('ip 192.0.2.1', holder)).toMatch(/^0/);
  expect(await ask('ip 192.0.2.2', session())).toMatch(/^0/);
  expect(await ask('ip 192.0.2.3', session())).toBe('1 2/1');
});

test('open sessions survive another configuration', async () => {
  const { ask, gatekeeper } = site(config(2));
  const [first, second] = sessions(2);
  await ask('ip 192.0.2.1', first);
  await ask('ip 192.0.2.1', second);
  gatekeeper.configure(configFrom(config(1)));
  first?.end();
  expect(await ask('ip 192.0.2.1', session())).toBe('1 2/1');
  second?.end();
  expect(await ask('ip 192.0.2.1', session())).toMatch(/^0/);
});

test('a dry run lets the session in and logs that it would be refused', async () => {
  const { ask, lines } = site(config(1, 'dry_run: true;'));
  const [first, second] = sessions(2);
  await ask('ip 192.0.2.1', first);
  expect(await ask('ip 192.0.2.1', second)).toBe('0 2/1');
  expect(lines).toEqual([
    'would refuse {"class":"ip","value":"192.0.2.1","why":"sessions","rate":"2/1"}',
  ]);
});

test('during an overload only allowlisted clients pass', async () => {
  const { ask, world, gatekeeper, lines } = site(`
    limits : { ip: ( ("*", 60, 50) ); user: ( ); }; blocking : { };
    classes : { ip: { overload: true; }; }; allow : ( "192.0.2.1" );`);
  expect(await ask('ip 192.0.2.2')).toBe('0 1/50');
  world.isOverloaded = true;
  expect(await ask('ip 192.0.2.2', session())).toBe('1 2/0');
  expect(await ask('ip 192.0.2.1')).toBe('0 1/-');
  expect(await ask('user x')).toBe('0 1/-');
  expect(gatekeeper.blocks.size).toBe(0);
  expect(lines).toEqual([
    'refused {"class":"ip","value":"192.0.2.2","why":"overload","rate":"2/0"}',
  ]);
  world.isOverloaded = false;
  expect(await ask('ip 192.0.2.2')).toBe('0 3/50');
});

test('exceeding the limit leads to a block during an overload too', async () => {
  const { ask, world } = site(`
    limits : { ip: ( ("*", 60, 1) ); }; blocking : { }; classes : { ip: { overload: true; }; };`);
  world.isOverloaded = true;
  expect(await ask('ip 192.0.2.2')).toBe('1 1/0');
  expect(await ask('ip 192.0.2.2')).toBe('1 2/1 120');
});
