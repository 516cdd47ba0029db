/** Ours: rater with a configuration of its own, its store filled or empty. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { askDaemon } from '../../src/cli/ask-daemon.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { NewBlock } from '../../src/core/block.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { type RunningProgram, until } from '../system/running-program.ts';
import type { Checked } from './load.ts';
import type { Workbench } from './workbench.ts';

export type Plan = {
  /** The text inside `limits`. */
  readonly limits?: string;
  /** More text inside `settings`. */
  readonly settings?: string;
  /** The text inside `allow`. */
  readonly allow?: string;
  readonly cdb?: boolean;
};

export type Site = { readonly directory: string; readonly config: string; readonly peers: string };

export type Rater = Site & {
  readonly program: RunningProgram;
  readonly pid: number;
  readonly checked: Checked;
};

/** A directory with rater.conf, an empty peers directory and the admin's rules. */
export function newSite(bench: Workbench, plan: Plan): Site {
  const directory = bench.newDirectory();
  const [config, peers] = [join(directory, 'rater.conf'), join(directory, 'peers')];
  mkdirSync(peers);
  writeFileSync(join(directory, 'rules'), ':allow\n');
  const cdb = plan.cdb ? 'tcprules: { source: "rules"; cdb: "rules.cdb"; };' : '';
  const text = [
    `settings : { socket: "rater.sock"; db_path: "blocks.db"; log: "rater.txt"; ${plan.settings ?? ''} };`,
    `limits : { ${plan.limits ?? 'ip: ( ("*", 60, 10) );'} };`,
    `blocking : { time: 3600; peers: "peers"; ${cdb} };`,
    `allow : ( ${plan.allow ?? ''} );`,
  ];
  writeFileSync(config, `${text.join('\n')}\n`);
  return { directory, config, peers };
}

/** Starts rater and does not wait. */
export function launchRater(bench: Workbench, site: Site): Rater {
  const { directory, config } = site;
  const program = bench.start(directory, [...bench.likeRater, bench.ours('rater'), '-c', config]);
  const socket = join(directory, 'rater.sock');
  return { ...site, program, pid: program.pid, checked: { socket, protocol: 'rater' } };
}

/** Resolves when rater has answered a check. */
export async function firstAnswer({ checked, program }: Rater): Promise<void> {
  const timeoutMs = 60_000;
  await until(
    'an answer of rater',
    () => {
      if (!program.isRunning) throw new Error(`rater ended: ${program.said}`);
      return existsSync(checked.socket) && isAnswered(checked.socket);
    },
    timeoutMs,
  );
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => socket.write('ip 192.0.2.1\n'));
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export async function startRater(bench: Workbench, plan: Plan = {}): Promise<Rater> {
  const rater = launchRater(bench, newSite(bench, plan));
  await firstAnswer(rater);
  return rater;
}

/** What `ipthrottle status` says, without the start of a program. */
export async function statusOf(
  rater: Rater,
): Promise<{ blocks: number; values: number; datagrams: string | null }> {
  const call = { command: 'status', arguments: [], options: { json: true } };
  const outcome = await askDaemon(join(rater.directory, 'control.sock'), call);
  return JSON.parse(String(outcome?.lines[0]));
}

/** 10.0.0.0, 10.0.0.1, ... as files.c names its files too. */
export function addressText(index: number): string {
  return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
}

export function newBlock(index: number, untilMs: number): NewBlock {
  const address = parseAddress(addressText(index));
  if (!address) throw new Error(`no address: ${index}`);
  const sinceMs = Date.now();
  return {
    ...{ address, class: 'ip', sinceMs, untilMs, count: 11, limit: 10, seconds: 60 },
    ...{ times: 1, source: 'rate', reason: '' },
  };
}

/** Puts blocks into the site's store, as rater would have; rater must not be running. */
export function fillStore(site: Site, many: number, untilMs: number): void {
  const store = new SqliteStore(join(site.directory, 'blocks.db'));
  for (let index = 0; index < many; index += 1) store.add(newBlock(index, untilMs));
  store.close();
}
