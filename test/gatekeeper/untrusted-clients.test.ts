/** Untrusted clients are answered, and what they ask has no consequence for others. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { address } from '../core/blocks.ts';
import { gatekeeperSite, plainConfig } from './site.ts';

const exceeding = ['0 1/3', '0 2/3', '0 3/3', '1 4/3', '1 5/3'];

test('hits of untrusted clients are counted among themselves, refused by their count, and block nobody', async () => {
  const { askUntrusted, asked, gatekeeper, peers, lines } = gatekeeperSite();
  for (const reply of exceeding) expect(await askUntrusted('ip 192.0.2.1')).toBe(reply);
  for (const reply of exceeding) expect(await askUntrusted('user rosario')).toBe(reply);
  expect(gatekeeper.blocks.size).toBe(0);
  expect(readdirSync(peers)).toEqual([]);
  expect(lines).toContain(
    'refused {"class":"ip","value":"192.0.2.1","why":"rate","rate":"4/3","by":"tcp"}',
  );

  // The address that they named still has all of its own hits, and is blocked only for these.
  expect(await asked('ip 192.0.2.1', 4)).toEqual(['0 1/3', '0 2/3', '0 3/3', '1 4/3 120']);
  expect(await asked('user rosario', 4)).toEqual(exceeding.slice(0, 4));
  expect(await askUntrusted('ip 192.0.2.1')).toBe('1 6/3 120');
  expect(await askUntrusted('ip 192.0.2.200')).toBe('0 1/-');
});

test('hits of untrusted clients are neither an offence nor a dry run', async () => {
  const site = gatekeeperSite(`${plainConfig} classes: { ip: { dry_run: true } };`);
  for (let turn = 0; turn < 5; turn += 1) {
    expect(await site.askUntrusted('ip 192.0.2.1')).toMatch(/^0 /);
  }
  expect(site.gatekeeper.dryRuns.all()).toEqual([]);
  expect(site.events).not.toContain('would block');
  expect(site.store.offences(address('192.0.2.1')).times).toBe(0);
});

test('hits of untrusted clients count as tracked values, are swept, and forgotten by unblock', async () => {
  const { askUntrusted, ask, gatekeeper, time } = gatekeeperSite();
  await ask('ip 192.0.2.1');
  await askUntrusted('ip 192.0.2.1');
  await askUntrusted('ip 192.0.2.2');
  expect(gatekeeper.trackedValues).toBe(3);
  gatekeeper.unblock(address('192.0.2.1'));
  expect(gatekeeper.trackedValues).toBe(1);
  expect(await askUntrusted('ip 192.0.2.1')).toBe('0 1/3');
  time.ms += 61_000;
  const sweeping = gatekeeper.sweeping();
  // First the hits of trusted clients, then these, then offences.
  expect([1, 2, 3].map(() => sweeping.next().done)).toEqual([false, false, true]);
  expect(gatekeeper.trackedValues).toBe(0);
});
