/**
 * The states of ipthrottle(7), "Blocks and files that disagree", and how each of them ends.
 *
 * Tests: src/blocks/block-keeper.ts, src/blocks/enforcement.ts, src/blocks/remembered-blocks.ts
 */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Block } from '../../src/core/block.ts';
import type { Scope } from '../../src/enforcers/enforcer.ts';
import type { Gatekeeper } from '../../src/gatekeeper/gatekeeper.ts';
import { doNow } from '../../src/runtime/work.ts';
import { address } from '../core/blocks.ts';
import { gatekeeperSite } from '../gatekeeper/site.ts';
import { rawDatabase } from '../store/raw-database.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };
  allow : ( "203.0.113.9" );`;

/** Does a whole pass, and returns the blocks it found. */
function reconcile(gatekeeper: Gatekeeper, scope: Scope = 'all'): string[] {
  const found: string[] = [];
  doNow(gatekeeper.blocks.reconciling(scope, ({ address: { text } }) => found.push(text)));
  return found;
}

async function site(...blocked: string[]) {
  const made = gatekeeperSite(config);
  for (const text of blocked) await made.asked(`ip ${text}`, 4);
  const { gatekeeper, store, peers } = made;
  const agree = (...texts: string[]) => {
    expect(gatekeeper.blocks.all().map((block) => block.address.text)).toEqual(texts);
    expect(store.all().map((block) => block.address.text)).toEqual(texts);
    expect(readdirSync(peers).sort()).toEqual(texts.toSorted());
  };
  agree(...blocked);
  return { ...made, agree, file: (name: string) => join(peers, name) };
}

test('9 to 0: a file removed while we run is an unblock, which is logged, and the count starts anew', async () => {
  const { gatekeeper, ask, agree, file, lines } = await site('192.0.2.1', '192.0.2.2');
  unlinkSync(file('192.0.2.1'));
  expect(await ask('ip 192.0.2.1'), 'until it is noticed').toBe('1 5/3 120');
  reconcile(gatekeeper);
  agree('192.0.2.2');
  expect(lines.filter((line) => line.startsWith('unblocked'))).toEqual([
    'unblocked {"address":"192.0.2.1","class":"ip","times":1,"by":"file removed"}',
  ]);
  expect(lines.at(-1)).toMatch(/^reconciled .*"unblocked":1,"restored":0,"found":0/);
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
  expect(
    gatekeeper.verdicts.nextPenalty(address('192.0.2.1')).offences,
    'the offence was one',
  ).toBe(1);
});

test('a file removed in the last second of its block has ended with it', async () => {
  const { gatekeeper, file, time, events } = await site('192.0.2.1');
  unlinkSync(file('192.0.2.1'));
  time.ms += 119_000;
  reconcile(gatekeeper);
  expect(events).not.toContain('unblocked');
  time.ms += 1000;
  gatekeeper.blocks.reap();
  expect(events.at(-1)).toBe('block ended');
});

test('10 to 3: a file removed while rater was down is put back', async () => {
  const { start, agree, file, events } = await site('192.0.2.1');
  unlinkSync(file('192.0.2.1'));
  reconcile(start());
  agree('192.0.2.1');
  expect(events).not.toContain('unblocked');
});

test('11 to 3: a block that could not be put in force is not unblocked, but put in force', async () => {
  const { gatekeeper, asked, agree, peers, events } = await site();
  renameSync(peers, `${peers}.away`);
  await asked('ip 192.0.2.1', 4);
  reconcile(gatekeeper);
  gatekeeper.blocks.retry();
  expect(gatekeeper.blocks.size).toBe(1);
  renameSync(`${peers}.away`, peers);
  reconcile(gatekeeper);
  agree('192.0.2.1');
  gatekeeper.blocks.retry();
  expect(events).toEqual(['trouble', 'blocked', 'reconciled', 'recovered']);
});

test.each(['all', 'changed'] as const)(
  '12 to 3: a replaced directory gets all blocks (%s)',
  async (scope) => {
    const { gatekeeper, agree, peers, events } = await site('192.0.2.1', '192.0.2.2');
    renameSync(peers, `${peers}.old`);
    mkdirSync(peers);
    reconcile(gatekeeper, scope);
    agree('192.0.2.1', '192.0.2.2');
    expect(events.slice(2)).toEqual(['replaced', 'reconciled']);
    reconcile(gatekeeper);
    expect(events.slice(4)).toEqual([]);
  },
);

test('12 to 3: a directory that is gone for a while lifts nothing', async () => {
  const { gatekeeper, agree, ask, peers, events } = await site('192.0.2.1', '192.0.2.2');
  rmSync(peers, { recursive: true });
  for (let turn = 0; turn < 3; turn += 1) {
    reconcile(gatekeeper);
    reconcile(gatekeeper, 'changed');
    gatekeeper.blocks.retry();
  }
  expect(await ask('ip 192.0.2.1')).toBe('1 5/3 120');
  mkdirSync(peers);
  gatekeeper.blocks.retry();
  agree('192.0.2.1', '192.0.2.2');
  expect(events.slice(2)).toEqual(['trouble', 'replaced', 'recovered']);
});

test("13: the admin's file in place of ours stays, we refuse, and once it is gone ours comes back", async () => {
  const { gatekeeper, agree, ask, file } = await site('192.0.2.1');
  unlinkSync(file('192.0.2.1'));
  writeFileSync(file('192.0.2.1'), '', { mode: 0o444 });
  reconcile(gatekeeper);
  expect(gatekeeper.blocks.size).toBe(1);
  expect(await ask('ip 192.0.2.1')).toBe('1 5/3 120');
  unlinkSync(file('192.0.2.1'));
  reconcile(gatekeeper);
  agree('192.0.2.1');
});

test.each(['at the start', 'in a pass'])('15 to 3: a lost store comes back %s', async (when) => {
  const { gatekeeper, start, store, peers, file } = await site('192.0.2.1', '192.0.2.2');
  gatekeeper.block({ address: address('198.51.100.0/24'), seconds: 900, reason: 'noise' });
  const before = store.all().map((block) => ({ ...block, reason: '' }));
  store.removeAll(before.map(({ address: each }) => each));
  const aside = ['192.0.2.1', '192.0.2.2', '198.51.100'];
  const hide = (suffix: string, back: string) => {
    for (const name of aside) renameSync(file(`${name}${suffix}`), file(`${name}${back}`));
  };
  if (when === 'in a pass') hide('', '.hidden');
  const again = start();
  if (when === 'in a pass') {
    hide('.hidden', '');
    expect(reconcile(again).sort()).toEqual(before.map((block) => block.address.text).sort());
  }
  const byText = (a: Block, b: Block) => a.address.text.localeCompare(b.address.text);
  expect(again.blocks.all().sort(byText)).toEqual(before.sort(byText));
  expect(store.all().sort(byText)).toEqual(before);
  expect(readdirSync(peers).sort()).toEqual(aside);
});

test('15 to 3: a block that the store failed to take survives kill -9 in its file', async () => {
  const { asked, start, store, dbPath, agree } = await site();
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  await asked('ip 192.0.2.1', 4);
  rival.exec('COMMIT');
  rival.close();
  expect(store.all()).toEqual([]);
  expect(start().blocks.all()).toMatchObject([{ class: 'ip', count: 4, limit: 3, times: 1 }]);
  agree('192.0.2.1');
});

test('16 to 0: an orphan is removed when it is over', async () => {
  const { gatekeeper, start, store, time, peers } = await site('192.0.2.1', '192.0.2.2');
  store.removeAll(store.all().map(({ address: each }) => each));
  time.ms += 120_000;
  start();
  expect([readdirSync(peers), store.all()]).toEqual([[], []]);
  expect(reconcile(gatekeeper)).toEqual([]);
});

test("17: the admin's files are left, whatever becomes of the blocks", async () => {
  const { gatekeeper, start, file, store } = await site('192.0.2.1');
  writeFileSync(file('192.0.2.7'), 'my own note, of some length '.repeat(8), { mode: 0o200 });
  writeFileSync(file('0'), '');
  chmodSync(file('0'), 0o444);
  store.removeAll([address('192.0.2.1')]);
  reconcile(gatekeeper);
  reconcile(start());
  expect([existsSync(file('192.0.2.7')), existsSync(file('0'))]).toEqual([true, true]);
  expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.1']);
});

test('the old file of an address allowlisted since does not block it again', async () => {
  const { start, store, peers } = await site('192.0.2.1');
  store.removeAll([address('192.0.2.1')]);
  store.allow({ address: address('192.0.2.1'), sinceMs: 0, untilMs: undefined, reason: '' });
  expect(start().blocks.size).toBe(0);
  expect(readdirSync(peers)).toEqual([]);
});

test('a file that comes back does not block an allowlisted address again', async () => {
  const { gatekeeper, agree, file } = await site('192.0.2.1');
  renameSync(file('192.0.2.1'), file('.kept'));
  gatekeeper.allow(address('192.0.2.1'), undefined, '');
  renameSync(file('.kept'), file('192.0.2.1'));
  doNow(gatekeeper.reconciling('all'));
  agree();
});

test('while everything agrees a pass logs nothing and changes nothing', async () => {
  const { gatekeeper, agree, events } = await site('192.0.2.1', '192.0.2.2');
  for (const scope of ['all', 'changed', 'orphans'] as const) reconcile(gatekeeper, scope);
  expect(events).toEqual(['blocked', 'blocked']);
  agree('192.0.2.1', '192.0.2.2');
});
