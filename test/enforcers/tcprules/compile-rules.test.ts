/** A rebuild in slices: how long they are, and what changes between two of them. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileRules } from '../../../src/enforcers/tcprules/compile-rules.ts';
import { ipv4Only } from '../../../src/enforcers/tcprules/lookups.ts';
import { readRules } from '../../../src/enforcers/tcprules/tcprules.ts';
import { TcprulesCdb } from '../../../src/enforcers/tcprules/tcprules-cdb.ts';
import { Fault } from '../../../src/runtime/errors.ts';
import { realTimers } from '../../../src/runtime/timers.ts';
import type { Work } from '../../../src/runtime/work.ts';
import { blockOf, findings } from '../../contract/enforcer.ts';
import { runTcprules } from '../../golden/real-tools.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';

const skipped = missing('tcprules');

function lines(count: number, line: (address: string) => string): string {
  const address = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  return Array.from({ length: count }, (_, index) => `${line(address(index))}\n`).join('');
}

describe('between two pauses', () => {
  test.for([
    ['rules', (address: string) => `${address}:deny`],
    ['ranges', (address: string) => `${address}-255:deny`],
    ['comments', (address: string) => `# ${address}`],
    ['lines without a colon', (address: string) => address],
    ['foreign lines', (address: string) => `${address}/32:deny`],
    ['mistakes', (address: string) => `${address}:deny,`],
  ] as const)('no more than 32 lines are read of many %s', ([, line]) => {
    let [longest, rules, steps] = [0, 0, 0];
    const work = readRules(lines(3200, line), () => {
      rules += 1;
    });
    for (let step = work.next(); !step.done; step = work.next()) {
      longest = Math.max(longest, rules);
      rules = 0;
      steps += 1;
    }
    expect(steps).toBe(100);
    expect(longest).toBeLessThanOrEqual(32);
  });

  /** How many steps a compilation has, with one that fails at its end. */
  function stepsOf(source: string, message?: string): number {
    const directory = temporaryDirectory();
    const files = { source: join(directory, 'source'), cdb: join(directory, 'cdb'), message };
    writeFileSync(files.source, source);
    const work = compileRules({ ...files, tcprulesCommand: 'false' }, [], ipv4Only);
    let steps = 0;
    try {
      for (let step = work.next(); !step.done; step = work.next(step.value?.now())) steps += 1;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    return steps;
  }

  test.for([undefined, 'Slow down'])('of a compilation, too: %j', (message) => {
    const rules = lines(3200, (address) => `${address}:deny`);
    // It reads them twice: to know whether they are all rules, and to write them.
    expect(stepsOf(rules, message)).toBeGreaterThan(2 * 100);
  });

  test.for(['/32:deny', ':deny,'])('no more than 128 lines are denials of %j', (rest) => {
    const others = lines(12_800, (address) => address + rest);
    expect(stepsOf(others, 'Slow down')).toBeGreaterThanOrEqual(stepsOf(others) + 100);
  });
});

describe('a source that changes while it is read', () => {
  const [old, torn, next] = ['10.0.0.1:deny\n:allow\n', '10.0.0.1:den', '10.0.0.2:deny\n:deny\n'];

  /** Compiles, with a change of the source during each of the first `changes` times it is read. */
  function compileDuring(changes: number): Uint8Array {
    const directory = temporaryDirectory();
    const files = { source: join(directory, 'source'), cdb: join(directory, 'cdb') };
    writeFileSync(files.source, old);
    const work = compileRules(files, [], ipv4Only);
    let step = work.next();
    for (let reads = 1; !step.done; ) {
      const { value: slow } = step;
      if (slow && reads <= changes) {
        writeFileSync(files.source, next + '#'.repeat(reads));
        reads += 1;
        step = work.next(Buffer.from(torn));
      } else step = work.next(slow?.now());
    }
    return step.value;
  }

  test('is read again, so that the cdb is of one source', unless(skipped), () => {
    const expected = runTcprules(next).bytes;
    expect(Buffer.compare(compileDuring(1), expected ?? new Uint8Array())).toBe(0);
    expect(Buffer.compare(compileDuring(4), expected ?? new Uint8Array())).toBe(0);
  });

  test('again and again is a Fault, and the next rebuild tries anew', () => {
    expect(() => compileDuring(5)).toThrow(/cannot read .*: it changes again and again/);
  });
});

/** The same work, which tells of each of its steps. */
function* told(work: Work<void>, onStep: () => void): Work<void> {
  try {
    for (let step = work.next(); !step.done; ) {
      onStep();
      try {
        step = work.next(yield step.value);
      } catch (error) {
        step = work.throw(error);
      }
    }
  } finally {
    work.return();
  }
}

describe.each([
  { mode: 'silent', message: undefined, refusal: 'deny' },
  { mode: 'polite', message: 'Slow down', refusal: 'allow,RBLSMTPD="Slow down"' },
])('a long $mode rebuild', unless(skipped), ({ message, refusal }) => {
  const blocks = Array.from({ length: 200 }, (_, index) => blockOf(`192.0.2.${index}`));
  const many = lines(20_000, (address) => `${address}:allow,RELAYCLIENT=""`);
  const sources = [`${many}:allow\n`, `172.16.0.1:deny\n${many}:deny\n`] as const;
  const compiled = sources.map((source) => {
    const isAllDenied = source.endsWith(':deny\n');
    const refusals = blocks.map(({ address: { text } }) => {
      return `${text}:${isAllDenied ? 'deny' : refusal}\n`;
    });
    return Buffer.from(skipped ? '' : (runTcprules(refusals.join('') + source).bytes ?? ''));
  });

  /** Starts a rebuild, of about 1600 steps; `isReached` resolves in the slice of that step. */
  function open(step: number) {
    const directory = temporaryDirectory();
    const at = (name: string) => join(directory, name);
    writeFileSync(at('source'), sources[0]);
    const files = { source: at('source'), cdb: at('cdb'), message };
    let [steps, reach] = [0, () => {}];
    const isReached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const onStep = () => {
      steps += 1;
      if (steps === step) reach();
    };
    const enforcer = new TcprulesCdb(files, () => {}, {
      ...realTimers,
      begin: (work, onEnd) => realTimers.begin(told(work, onStep), onEnd),
    });
    onTestFinished(() => enforcer.close());
    enforcer.reconcile(blocks);
    const change = () => {
      writeFileSync(at('new'), sources[1]);
      renameSync(at('new'), at('source'));
    };
    const built = () => compiled.findIndex((bytes) => bytes.equals(readFileSync(at('cdb'))));
    const left = () => readdirSync(directory).sort();
    const landed = enforcer.rebuild.settle();
    return { enforcer, isReached, landed, change, built, left };
  }

  const steps = [1, 300, 600, 900, 1200, 1500];

  test.for(steps)(
    'whose source changes at step %i gives the old or the new, and then the new',
    async (step) => {
      const { enforcer, isReached, landed, change, built } = open(step);
      await isReached;
      change();
      await landed;
      // The first steps try tcprules, and then it is read.
      expect(built()).toBe(step === 1 ? 1 : 0);
      expect(findings(enforcer, blocks)).toEqual([]);
      await enforcer.rebuild.settle();
      expect(built()).toBe(1);
    },
  );

  test.for(steps)('that is closed at step %i has landed whole', async (step) => {
    const { enforcer, isReached, landed, built, left } = open(step);
    await isReached;
    enforcer.close();
    expect(built()).toBe(0);
    await landed;
    await expect.poll(left).toEqual(['cdb', 'source']);
  });
});
