import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TcprulesCdb } from '../../../src/enforcers/tcprules/tcprules-cdb.ts';
import { isInstalled } from '../peers/installed.ts';
import { newBlock } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import { type Finding, type Row, Skipped } from '../row.ts';
import { watchTurns } from '../watch-turns.ts';

const blockCount = 10_000;

export const rebuildRules: Row = {
  name: 'rebuild-rules',
  what: 'a rules source of 100 000 lines rebuilt',
  async measure(bench) {
    if (!isInstalled('tcprules')) throw new Skipped('tcprules is not installed');
    const many = bench.size(100_000, 20_000);
    const untilMs = Date.now() + 3_600_000;
    const block = (index: number) => ({ ...newBlock(index, untilMs), replacedUntilMs: 0 });
    const blocks = Array.from({ length: blockCount }, (_, index) => block(many + index));
    const rules = Array.from({ length: many }, (_, index) => {
      const says = index % 2 === 0 ? 'deny' : 'allow,RELAYCLIENT=""';
      return `${block(index).address.text}:${says}\n`;
    });
    /** Each is another one, so that its cdb is written. */
    const source = (round: number) =>
      `# ${round}\n=${round}.example:allow\n${rules.join('')}:allow\n`;

    async function measureMode(mode: string, message?: string): Promise<Finding[]> {
      const directory = bench.newDirectory();
      const at = (name: string) => join(directory, name);
      const files = { source: at('source'), cdb: at('cdb'), message };
      const enforcer = new TcprulesCdb(files, () => {});
      const refusals = blocks.map(({ address }) => {
        return `${address.text}:${message === undefined ? 'deny' : `allow,RBLSMTPD="${message}"`}\n`;
      });
      const prepare = async (round: number) => {
        writeFileSync(at('source'), source(round));
        writeFileSync(at('rules'), refusals.join('') + source(round));
        // What preparing has left is no part of the rebuild.
        await pause(100);
      };
      await prepare(-1);
      enforcer.reconcile(blocks);
      enforcer.rebuild.flush();
      const stops: number[] = [];
      const { ours, limit } = await takeTurns(bench.rounds, {
        ours: {
          name: 'rater',
          async measure(round) {
            await prepare(round);
            const startMs = performance.now();
            const longestMs = watchTurns();
            enforcer.impose(block(many + blockCount + round));
            await enforcer.rebuild.settle();
            const stopMs = longestMs();
            if (round > 0) stops.push(stopMs);
            return performance.now() - startMs;
          },
        },
        limit: {
          name: 'tcprules',
          async measure(round) {
            await prepare(round);
            const startMs = performance.now();
            await bench.run(['sh', '-c', 'tcprules cdb.1 tmp <rules'], directory);
            return performance.now() - startMs;
          },
        },
      });
      enforcer.close();
      if (!ours) return [];
      const what = `a rules source of ${many} lines rebuilt${mode}`;
      const longest = { name: 'rater', samples: stops };
      return [
        {
          what: `${what}: longest stop`,
          ...{ unit: 'ms', ours: longest, goal: { is: 'at most', bound: 10, of: 'ours' } },
        },
        { what: `${what}: until it is in force`, unit: 'ms', ours, limit },
      ];
    }

    return [...(await measureMode('')), ...(await measureMode(', polite', 'Slow down'))];
  },
};
