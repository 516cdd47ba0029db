/**
 * kill -9 at every step between a hit and its reply, and of all else that changes blocks: whatever
 * step was the last, a client that was told so is blocked, and after a start everything agrees.
 *
 * In each round rater dies one step later, until it gets through: so no step is left out. The rater
 * that has to put things right is the one that dies in the next round.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { missing } from '../run/unless.ts';
import { burst } from './connections.ts';
import {
  compileKillAt,
  DoomedRater,
  type Instant,
  missingStep,
  startedRater,
} from './doomed-rater.ts';
import { type Round, type Story, say, stories } from './kill-stories.ts';
import { until } from './running-program.ts';
import { type Plan, Site } from './site.ts';
import { expectAgreement, refusedByCdb, refusingFiles, storedAddresses } from './state-on-disk.ts';

const instants: readonly Instant[] = ['before', 'within'];
const killAt = compileKillAt();
/** For dozens of starts on a loaded machine. */
const timeoutMs = 600_000;

async function withSite<T>(plan: Plan, work: (site: Site) => Promise<T>): Promise<T> {
  const site = new Site(plan);
  try {
    return await work(site);
  } finally {
    await site.stop();
  }
}

/** A round that is over, and what was there when it was. */
type Ended = {
  readonly address: string;
  readonly isTold: boolean;
  readonly steps: readonly string[];
  readonly hasSurvived: boolean;
  /** Addresses that the cdb refused before and then; undefined without a cdb. */
  readonly refusedBefore: readonly string[] | undefined;
  readonly refused: readonly string[] | undefined;
};

/** Kills rater at step 1, 2, 3 and so on in one story. */
class Rounds {
  readonly #site: Site;
  readonly #story: Story;
  readonly #instant: Instant;
  /** Whether the addresses of earlier rounds are blocked. */
  readonly #isBlocked = new Map<string, boolean>();

  constructor(site: Site, story: Story, instant: Instant) {
    this.#site = site;
    this.#story = story;
    this.#instant = instant;
  }

  /** Until a round gets through; its steps. */
  async run(): Promise<readonly string[]> {
    let last: Ended | undefined;
    for (let step = 1; !last?.hasSurvived; step += 1) last = await this.#next(step, last);
    await this.#next(0, last);
    return last.steps;
  }

  /** Another start, which settles the last round, and another death; none at step 0. */
  async #next(step: number, last: Ended | undefined): Promise<Ended> {
    const rater = await startedRater(this.#site, killAt);
    const round = { site: this.#site, rater, address: `127.0.1.${step}` };
    try {
      if (last) await this.#settle(last);
      if (step === 0) await this.#expectServersObey();
      return step === 0 ? (last as Ended) : await this.#die(round, step);
    } catch (error) {
      const steps = [...(last?.steps ?? []), 'a start', ...rater.steps].join('\n');
      throw new Error(`${error}\nafter these steps:\n${steps}`, { cause: error });
    } finally {
      await rater.program.end();
    }
  }

  async #die(round: Round, step: number): Promise<Ended> {
    const { told, prepare, act } = this.#story;
    const { rater, address } = round;
    await prepare(round);
    const refusedBefore = this.#refused();
    if (refusedBefore) expect(refusedBefore).toEqual(storedAddresses(this.#site).sort());
    rater.dieAt(step, this.#instant);
    const isTold = told.test(await act(round));
    const hasSurvived = await this.#survives(round, step, isTold);
    if (rater.program.isRunning) await rater.program.killedBy('SIGKILL');
    const refused = this.#refused();
    const ended = { address, isTold, steps: rater.steps, hasSurvived, refusedBefore, refused };
    this.#expectPromises(ended);
    return ended;
  }

  /** Waits until all is done without the step, which is true, or rater is dead. */
  async #survives(round: Round, step: number, isTold: boolean): Promise<boolean> {
    const { program } = round.rater;
    const isOver = async () => isTold && (await (this.#story.isOver?.(round) ?? true));
    await until('the end of the round', async () => !program.isRunning || (await isOver()));
    // A step is in the lines before rater dies of it.
    const hasSurvived = round.rater.steps.length < step;
    if (hasSurvived) expect(program.isRunning || program.exitCode === 0, program.said).toBe(true);
    else await until('its death', () => !program.isRunning);
    return hasSurvived;
  }

  #refused(): string[] | undefined {
    return this.#story.plan.rules === undefined ? undefined : refusedByCdb(this.#site);
  }

  /** What holds on disk at any instant. */
  #expectPromises({ address, isTold, hasSurvived, refused }: Ended): void {
    const { isThenBlocked, isThenInCdb } = this.#story;
    const files = refusingFiles(this.#site);
    const rows = storedAddresses(this.#site);
    expect(
      files.filter((name) => !rows.includes(name)),
      'files without row',
    ).toEqual([]);
    if (!isTold) return;
    expect(rows.includes(address), 'in the database').toBe(isThenBlocked);
    expect(files.includes(address), 'in the peers directory').toBe(isThenBlocked);
    if (refused && (isThenInCdb || hasSurvived)) {
      expect(refused.includes(address), 'in the cdb').toBe(isThenBlocked);
    }
  }

  /** What holds after a start. */
  async #settle({ address, isTold, refusedBefore, refused }: Ended): Promise<void> {
    const { isThenBlocked, isSureAnyway, thenSeconds } = this.#story;
    const rows = await expectAgreement(this.#site);
    const row = rows.find((each) => each.address === address);
    if (isTold || isSureAnyway) expect(row !== undefined, 'is blocked').toBe(isThenBlocked);
    if (isTold && row && thenSeconds !== undefined) {
      expect(Date.parse(row.until) - Date.parse(row.since)).toBe(thenSeconds * 1000);
    }
    this.#isBlocked.set(address, row !== undefined);
    const blocked = [...this.#isBlocked].filter(([, is]) => is).map(([name]) => name);
    blocked.sort();
    expect(rows.map((each) => each.address).sort()).toEqual(blocked);
    // Earlier hits no longer count.
    expect(await say(this.#site, `ip ${address}`)).toMatch(
      row ? /^1 1\/4 \d+\r\n$/ : /^0 1\/4\r\n$/,
    );
    if (!refused) return;
    expect(this.#refused()).toEqual(blocked);
    // One address is all that changed, so a cdb that was made meanwhile is one of these.
    expect([refusedBefore, blocked], 'the cdb is the old or the new one').toContainEqual(refused);
    expect(await this.#site.isDeniedByCdb(address)).toBe(row !== undefined);
  }

  /** The real server drops or politely refuses exactly the blocked clients. */
  async #expectServersObey(): Promise<void> {
    const { plan } = this.#story;
    const isPolite = plan.blocking !== undefined;
    const servers = [
      { isThere: !missing('tcpsvd'), start: () => this.#site.startTcpsvd() },
      {
        isThere: plan.rules !== undefined && !missing('tcpserver'),
        start: () => this.#site.startTcpserver(),
      },
    ];
    for (const { isThere, start } of servers) {
      if (!isThere) continue;
      const { port } = await start();
      for (const [address, isBlocked] of this.#isBlocked) {
        const [visit] = await burst(port, address, 1);
        expect(visit?.fate, address).toBe(
          isBlocked ? (isPolite ? 'refused' : 'dropped') : 'greeted',
        );
      }
    }
  }
}

const rounds = stories.flatMap((story) => instants.map((instant) => ({ story, instant })));

describe.concurrent('rater is killed', { timeout: timeoutMs }, () => {
  test.each(rounds)('$instant each step when it $story.name', async ({ story, instant }) => {
    const steps = await withSite(story.plan, (site) => new Rounds(site, story, instant).run());
    expect(missingStep(story.steps, steps), steps.join('\n')).toBeUndefined();
  });

  test.each(instants)('%s each step of a start that has much to put right', async (instant) => {
    await withSite({ rules: ':allow\n' }, async (site) => {
      const unblocked = await aKilledSite(site);
      let steps: readonly string[] = [];
      for (let step = 1, isInForce = false; !isInForce; step += 1) {
        breakThings(site, unblocked);
        const rater = new DoomedRater(site, killAt, { step, instant });
        await rater.program.says(/ all in force: /).catch(() => undefined);
        isInForce = rater.program.isRunning;
        if (isInForce) await rater.program.killedBy('SIGKILL');
        steps = rater.steps;
        expect(storedAddresses(site), steps.join('\n')).toEqual([blockedOne]);
        expect(refusingFiles(site), steps.join('\n')).toContain(foreignOne);
        expect([[], [blockedOne]], steps.join('\n')).toContainEqual(refusedByCdb(site));
        const next = await startedRater(site, killAt);
        try {
          const rows = await expectAgreement(site, [foreignOne]);
          expect(rows, steps.join('\n')).toMatchObject([{ address: blockedOne }]);
          expect(refusedByCdb(site)).toEqual([blockedOne]);
          expect(await site.isDeniedByCdb(blockedOne)).toBe(true);
          await next.program.killedBy('SIGKILL');
        } finally {
          await next.program.end();
        }
      }
      for (const each of startSteps) {
        expect(missingStep(each, steps), steps.join('\n')).toBeUndefined();
      }
    });
  });
});

const blockedOne = '127.0.1.1';
/** The administrator's own file, which refuses. */
const foreignOne = '127.0.1.2';

/** Blocks one, and dies; the cdb as it was without that block. */
async function aKilledSite(site: Site): Promise<Buffer> {
  writeFileSync(site.path('peers', foreignOne), '', { mode: 0o200 });
  const rater = await startedRater(site, killAt);
  try {
    const unblocked = readFileSync(site.path('rules.cdb'));
    await site.ipthrottle('block', blockedOne, '--for', '1h');
    await rater.program.killedBy('SIGKILL');
    return unblocked;
  } finally {
    await rater.program.end();
  }
}

/** The block is in the store only, and there are leftovers of all kinds. */
function breakThings(site: Site, unblocked: Buffer): void {
  rmSync(site.path('peers', blockedOne), { force: true });
  for (const name of ['peers/..127.0.1.1.ipthrottle', '..rules.cdb.4194304.tmp']) {
    rmSync(site.path(name), { force: true });
    writeFileSync(site.path(name), 'half of', { mode: 0o200 });
  }
  writeFileSync(site.path('rules.cdb'), unblocked);
}

/** Node removes files by the one or the other, as it is old or new. */
const begun = [/^(?:unlink|remove) .*\/\.\.rules\.cdb\./, /^listen /, /^chmod .*\/rater\.sock$/];
/** The servers' files are put right beside each other. */
const startSteps = [
  [...begun, /^(?:unlink|remove) .*\/peers\/\.\.127/, /^open64 .*\/peers\/127/, /^fchmod /],
  [...begun, /^rename .*\/rules\.cdb$/],
];
