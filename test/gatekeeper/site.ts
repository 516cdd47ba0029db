/**
 * A gatekeeper on a real configuration, a real store and a real peers directory, with a clock that
 * the test moves.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { MemoryCounters } from '../../src/counters/memory-counters.ts';
import type { Enforcer } from '../../src/enforcers/enforcer.ts';
import { PeersDirectory } from '../../src/enforcers/peers/peers-directory.ts';
import { Gatekeeper } from '../../src/gatekeeper/gatekeeper.ts';
import type { Holder } from '../../src/gatekeeper/sessions.ts';
import { Health } from '../../src/health/health.ts';
import type { Fields } from '../../src/runtime/log.ts';
import { doNow } from '../../src/runtime/work.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { replyLine } from '../../src/wire/reply.ts';
import { parseRequest } from '../../src/wire/request.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

export const plainConfig = `
  limits   : { ip: ( ("192.0.2.0/24", 60, 3) ); user: ( ("r*", 60, 3) ); };
  blocking : { time: 120; };
  allow    : ( "192.0.2.128/25" );`;

/** The configuration that a text spells. */
export function configFrom(text: string): Config {
  const file = join(temporaryDirectory(), 'rater.conf');
  writeFileSync(file, text);
  return loadConfig(file);
}

/** A session that the test ends. */
export function session(): Holder & { end(): void } {
  const work: (() => void)[] = [];
  return {
    onEnd: (task) => void work.push(task),
    end: () => {
      for (const task of work.splice(0)) task();
    },
  };
}

export function gatekeeperSite(
  text = plainConfig,
  wrap: (enforcer: Enforcer) => Enforcer = (same) => same,
  message?: string,
) {
  const directory = temporaryDirectory();
  const peers = join(directory, 'peers');
  mkdirSync(peers);
  /** The time that has passed, and by how much the date was set. */
  const time = { ms: 1_000_000_000_000, setMs: 0 };
  const world = { isOverloaded: false, random: 0 };
  const events: string[] = [];
  const lines: string[] = [];
  const tell = (event: string, fields?: Fields) => {
    events.push(event);
    lines.push(`${event} ${JSON.stringify(fields)}`);
  };
  const log = { debug() {}, info: tell, warn: tell, error: tell };
  const dbPath = join(directory, 'store.db');
  const store = new SqliteStore(dbPath);
  const clock = { wallMs: () => time.ms + time.setMs, monotonicMs: () => time.ms };
  const start = () => {
    const gatekeeper = new Gatekeeper({
      config: configFrom(text),
      health: new Health(log, clock),
      store,
      counters: new MemoryCounters(),
      untrustedCounters: new MemoryCounters(),
      enforcers: [
        wrap(new PeersDirectory({ directory: peers, timeoutSeconds: undefined, message })),
      ],
      log,
      clock,
      random: () => world.random,
      isOverloaded: () => world.isOverloaded,
    });
    gatekeeper.start();
    doNow(gatekeeper.reconciling('all'));
    if (gatekeeper.blocks.isBehind) gatekeeper.blocks.retry();
    return gatekeeper;
  };
  const gatekeeper = start();
  const requestIn = (line: string) => {
    const request = parseRequest(line);
    if (typeof request === 'string') throw new Error(request);
    return request;
  };
  const ask = async (line: string, holder?: Holder) => {
    return replyLine(await gatekeeper.hit(requestIn(line), holder)).trimEnd();
  };
  /** As an untrusted client. */
  const askUntrusted = async (line: string) => {
    return replyLine(await gatekeeper.hitUntrusted(requestIn(line))).trimEnd();
  };
  /** Sends the same request several times; returns all replies. */
  const asked = async (line: string, times: number) => {
    const replies: string[] = [];
    for (let turn = 0; turn < times; turn += 1) replies.push(await ask(line));
    return replies;
  };
  return {
    gatekeeper,
    start,
    ask,
    askUntrusted,
    asked,
    store,
    time,
    world,
    peers,
    dbPath,
    events,
    lines,
  };
}
