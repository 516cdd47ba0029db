/**
 * The state table of ipthrottle(7) as a model: whatever operators, administrators, crashes and time
 * do to blocks and files, in any order, a pass turns them into what the table says.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { doNow } from '../../src/runtime/work.ts';
import { address } from '../core/blocks.ts';
import { gatekeeperSite } from '../gatekeeper/site.ts';

const config = 'limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };';
const names = {
  '192.0.2.1': '192.0.2.1',
  '192.0.2.2': '192.0.2.2',
  '198.51.100.0/24': '198.51.100',
};
type Who = keyof typeof names;
const everybody = Object.keys(names) as Who[];
const adminsText = 'my own note, of some length '.repeat(8);

type Step =
  | { readonly does: 'block'; readonly who: Who; readonly seconds: number }
  | { readonly does: 'unblock' | 'remove'; readonly who: Who }
  | { readonly does: 'own'; readonly who: Who; readonly mode: number }
  | { readonly does: 'replace' }
  | { readonly does: 'pass' | 'restart' | 'lose'; readonly seconds: number };

const who = fc.constantFrom(...everybody);
const seconds = fc.nat(4);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      does: fc.constant('block' as const),
      who,
      seconds: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ does: fc.constantFrom('unblock', 'remove'), who }),
    fc.record({
      does: fc.constant('own' as const),
      who,
      mode: fc.constantFrom(0o444, 0o200, 0o555),
    }),
    fc.record({ does: fc.constant('replace' as const) }),
    fc.record({ does: fc.constantFrom('pass', 'pass', 'restart', 'lose'), seconds }),
  ),
  { maxLength: 24 },
);

/** The expected blocks and files; times are seconds. */
class Model {
  nowS = 0;
  /** Their ends. */
  readonly blocks = new Map<Who, number>();
  /** Ends of ours; modes of the administrator's. */
  readonly files = new Map<Who, { readonly endS: number } | { readonly mode: number }>();
  /** Addresses whose files the daemon knows to have put there. */
  readonly #placed = new Set<Who>();
  #isReplaced = false;

  block(who: Who, seconds: number): void {
    this.blocks.set(who, this.nowS + seconds);
    this.#put(who, this.nowS + seconds);
  }

  unblock(who: Who): void {
    if (!this.blocks.delete(who)) return;
    if (this.isOurs(who)) this.files.delete(who);
    this.#placed.delete(who);
  }

  replace(): void {
    this.files.clear();
    this.#isReplaced = true;
  }

  restart(): void {
    this.#placed.clear();
    this.#isReplaced = false;
    this.pass();
  }

  /** A restart that has lost the database. */
  lose(): void {
    this.blocks.clear();
    for (const [who, file] of this.files) if ('endS' in file) this.blocks.set(who, file.endS);
    this.restart();
  }

  pass(): void {
    for (const [who, endS] of [...this.blocks]) if (endS <= this.nowS) this.unblock(who);
    if (this.#isReplaced) this.#placed.clear();
    this.#isReplaced = false;
    for (const [who, endS] of [...this.blocks]) {
      const wasPlaced = this.#placed.delete(who);
      if (this.files.has(who)) this.#put(who, endS);
      else if (endS - this.nowS <= 1) continue;
      else if (wasPlaced) this.blocks.delete(who);
      else this.#put(who, endS);
    }
  }

  isOurs(who: Who): boolean {
    return 'endS' in (this.files.get(who) ?? {});
  }

  #put(who: Who, endS: number): void {
    if (this.files.has(who) && !this.isOurs(who)) return;
    this.files.set(who, { endS });
    this.#placed.add(who);
  }
}

function site() {
  const made = gatekeeperSite(config);
  const { store, peers, time, events } = made;
  const model = new Model();
  const startMs = time.ms;
  let { gatekeeper } = made;
  const file = (who: Who) => join(peers, names[who]);
  let replaced = 0;

  const pass = () => {
    gatekeeper.blocks.reap();
    doNow(gatekeeper.reconciling('all'));
  };
  const agree = () => {
    const blocks = [...model.blocks].sort().map(([who, endS]) => [who, startMs + endS * 1000]);
    const told = gatekeeper.blocks.all().map((block) => [block.address.text, block.untilMs]);
    expect(told.sort(), 'in memory').toEqual(blocks);
    const rows = store.all().map((block) => [block.address.text, block.untilMs]);
    expect(rows.sort(), 'in the database').toEqual(blocks);
    expect(readdirSync(peers).sort()).toEqual(
      [...model.files.keys()].map((each) => names[each]).sort(),
    );
    for (const [who, wanted] of model.files) {
      const { mode, mtimeMs } = lstatSync(file(who));
      if ('mode' in wanted) {
        expect(mode & 0o7777).toBe(wanted.mode);
        expect(readFileSync(file(who), 'latin1')).toBe(adminsText);
      } else expect([mode & 0o7777, mtimeMs]).toEqual([0o200, startMs + wanted.endS * 1000]);
    }
    const before = events.length;
    pass();
    expect(events.slice(before), 'nothing is left to do').toEqual([]);
  };

  const take = (step: Step) => {
    if ('seconds' in step && step.does !== 'block') {
      time.ms += step.seconds * 1000;
      model.nowS += step.seconds;
    }
    switch (step.does) {
      case 'block':
        gatekeeper.block({ address: address(step.who), seconds: step.seconds, reason: '' });
        return model.block(step.who, step.seconds);
      case 'unblock':
        gatekeeper.unblock(address(step.who));
        return model.unblock(step.who);
      case 'remove':
        rmSync(file(step.who), { force: true });
        return void model.files.delete(step.who);
      case 'own':
        rmSync(file(step.who), { force: true });
        writeFileSync(file(step.who), adminsText);
        chmodSync(file(step.who), step.mode);
        return void model.files.set(step.who, { mode: step.mode });
      case 'replace':
        replaced += 1;
        renameSync(peers, `${peers}.${replaced}`);
        mkdirSync(peers);
        return model.replace();
      case 'pass':
        pass();
        model.pass();
        return agree();
      case 'restart':
        gatekeeper = made.start();
        model.restart();
        return agree();
      case 'lose':
        store.removeAll(store.all().map((block) => block.address));
        gatekeeper = made.start();
        model.lose();
        return agree();
    }
  };
  return { take, close: () => store.close() };
}

test('after any events, a pass brings about what the state table says, and the next one changes nothing', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const { take, close } = site();
      for (const step of script) take(step);
      take({ does: 'pass', seconds: 0 });
      close();
    }),
    { numRuns: 120 },
  );
});
