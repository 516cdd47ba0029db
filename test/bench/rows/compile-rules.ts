import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TcprulesCdb } from '../../../src/enforcers/tcprules/tcprules-cdb.ts';
import { until } from '../../system/running-program.ts';
import { isInstalled } from '../peers/installed.ts';
import { newBlock } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import { type Row, Skipped } from '../row.ts';
import { watchTurns } from '../watch-turns.ts';

export const compileRules: Row = {
  name: 'compile-rules',
  what: 'tcprules cdb of 100 000 blocks',
  async measure(bench) {
    if (!isInstalled('tcprules')) throw new Skipped('tcprules is not installed');
    const many = bench.size(100_000, 20_000);
    const directory = bench.newDirectory();
    const at = (name: string) => join(directory, name);
    const untilMs = Date.now() + 3_600_000;
    const block = (index: number) => ({ ...newBlock(index, untilMs), replacedUntilMs: 0 });
    const blocks = Array.from({ length: many }, (_, index) => block(index));
    const rules = blocks.map(({ address }) => `${address.text}:deny\n`).join('');
    const records = blocks.map(({ address: { text } }) => `+${text.length},2:${text}->D\0\n`);
    writeFileSync(at('source'), ':allow\n');
    writeFileSync(at('rules'), `${rules}:allow\n`);
    writeFileSync(at('records'), `${records.join('')}+0,0:->\n\n`);
    const shell = async (command: string) => {
      const startMs = performance.now();
      await bench.run(['sh', '-c', command], directory);
      return performance.now() - startMs;
    };
    const enforcer = new TcprulesCdb({ source: at('source'), cdb: at('cdb') }, () => {});
    const { ours, limit, peer } = await takeTurns(bench.rounds, {
      ours: {
        name: 'rater',
        measure() {
          enforcer.reconcile(blocks);
          const startMs = performance.now();
          enforcer.rebuild.flush();
          return performance.now() - startMs;
        },
      },
      limit: { name: 'tcprules', measure: () => shell('tcprules cdb.1 tmp <rules') },
      peer: isInstalled('cdb')
        ? { name: 'tinycdb', measure: () => shell('cdb -c cdb.2 <records') }
        : undefined,
    });
    const { ours: stalls } = await takeTurns(bench.rounds, {
      ours: {
        name: 'rater',
        async measure(round) {
          const fresh = block(many + round);
          const longestMs = watchTurns();
          enforcer.impose(fresh);
          await until('a rebuild', () => enforcer.impose(fresh) === 'in force');
          return longestMs();
        },
      },
    });
    enforcer.close();
    if (!ours || !stalls) return [];
    return [
      {
        what: `tcprules cdb of ${many} blocks`,
        ...{ unit: 'ms', ours, peer, limit, goal: { is: 'at most', bound: 2, of: 'limit' } },
      },
      {
        what: `longest stall while a cdb of ${many} blocks is rebuilt`,
        ...{ unit: 'ms', ours: stalls, goal: { is: 'at most', bound: 20, of: 'ours' } },
      },
    ];
  },
};
