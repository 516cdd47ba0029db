import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { judgeGoal, logarithmicBound, median, ratioOf } from './arithmetic.ts';
import {
  changeSince,
  lineOf,
  parseResults,
  type Run,
  resultsText,
  sectionsOf,
  tableText,
} from './results.ts';
import { takeTurns } from './rounds.ts';
import type { Finding, Goal, Series } from './row.ts';
import { rows } from './rows/rows.ts';
import { Workbench } from './workbench.ts';

function series(name: string, ...samples: number[]): Series {
  return { name, samples };
}

function finding(changes: Partial<Finding> = {}): Finding {
  return {
    ...{ what: 'checks', unit: '/s', ours: series('rater', 80, 90, 100) },
    ...{ peer: series('redis', 100, 100, 100), limit: series('C', 200, 200, 200) },
    ...changes,
  };
}

function run(...findings: Finding[]): Run {
  return {
    ...{ date: '2026-11-22T10:00:00.000Z', isQuick: false, lines: findings.map(lineOf) },
    machine: {
      ...{ cpu: 'Z80', cores: 2, kernel: '6.18', node: 'v20.20.2', directory: 'ext4' },
      othersLoad: 3.1,
    },
    left: [{ what: 'reap', why: 'gave up after 120 s' }],
  };
}

describe('arithmetic', () => {
  test.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('the median of %j is %d', (samples, middle) => {
    expect(median(samples)).toBe(middle);
  });

  test('a round that was slow for both does not change the ratio', () => {
    expect(ratioOf(series('a', 50, 5, 50), series('b', 100, 10, 100))).toBe(0.5);
  });

  test('without pairs the ratio is that of the medians', () => {
    expect(ratioOf(series('a', 10, 20, 30), series('b', 40))).toBe(0.5);
  });

  test('ten times as many may cost as much more as their logarithm grows', () => {
    expect(logarithmicBound(100, 1000)).toBeCloseTo(1.5);
    expect(logarithmicBound(1000, 1000)).toBe(1);
  });

  const goals: [Goal, Partial<Finding>, string][] = [
    [{ is: 'at least', bound: 0.9, of: 'peer' }, {}, 'met'],
    [{ is: 'at least', bound: 0.91, of: 'peer' }, {}, 'missed'],
    [{ is: 'at most', bound: 0.45, of: 'limit' }, {}, 'met'],
    [{ is: 'at most', bound: 0.44, of: 'limit' }, {}, 'missed'],
    [{ is: 'at most', bound: 90, of: 'ours' }, {}, 'met'],
    [{ is: 'at most', bound: 89, of: 'ours' }, {}, 'missed'],
    [{ is: 'at least', bound: 1, of: 'peer' }, { peer: undefined }, 'not judged'],
    [{ is: 'at most', bound: 1, of: 'ours' }, { ours: series('rater') }, 'not judged'],
    [{ is: 'exactly', bound: 10, of: 'ours' }, { ours: series('rater', 10, 10) }, 'met'],
    [{ is: 'exactly', bound: 10, of: 'ours' }, { ours: series('rater', 10, 11, 10) }, 'missed'],
    [{ is: 'exactly', bound: 10, of: 'ours' }, { ours: series('rater') }, 'missed'],
  ];
  test.each(goals)('the goal %j, of %j, is %s', (goal, changes, judgement) => {
    expect(judgeGoal(finding({ goal, ...changes }))).toBe(judgement);
  });
});

describe('results', () => {
  const goal = { is: 'at least', bound: 0.75, of: 'peer' } as const;

  test('a kept run is read back as it was', () => {
    const kept = run(finding({ goal }), finding({ what: 'memory', peer: undefined }));
    expect(parseResults(resultsText(kept, undefined))).toEqual(kept);
  });

  test('a file without a run gives no run', () => {
    expect(parseResults('# Results\n')).toBeUndefined();
  });

  test('the next run is compared with the kept one by its ratios', () => {
    const kept = parseResults(resultsText(run(finding({ goal })), undefined));
    const line = lineOf(finding({ goal, ours: series('rater', 160, 180, 200) }));
    expect(changeSince(line, kept)).toBe('+100 %');
    expect(changeSince({ ...line, what: 'something new' }, kept)).toBe('');
  });

  test('the table tells what was measured, of whom, and whether the goal is met', () => {
    const text = tableText(run(finding({ goal })), undefined);
    expect(text).toMatch(
      /^checks +90 \/s +redis 100 \/s +C 200 \/s +0\.9 +>= 0\.75 of redis +met$/m,
    );
  });

  test('a limit that must hold in every trial shows the worst one', () => {
    const exact = { is: 'exactly', bound: 10, of: 'ours' } as const;
    const line = lineOf(finding({ unit: '', ours: series('tcpsvd', 10, 12, 10), goal: exact }));
    expect(line.ours.value).toBe(12);
    expect(line.judgement).toBe('missed');
  });

  test('rows that were left out are kept with the reason', () => {
    expect(resultsText(run(), undefined)).toContain('left out: reap: gave up after 120 s');
  });

  test('sections that people have written between table and JSON stay', () => {
    const sections = '## Versions of Node\n\n| what | Node 22 |\n';
    const text = resultsText(run(), undefined, sections);
    expect(text).toContain(`\n\n${sections}\n\`\`\`json\n`);
    expect(sectionsOf(text)).toBe(sections);
    expect(sectionsOf(resultsText(run(), undefined))).toBe('');
  });
});

describe('rows', () => {
  // The project's table of goals, line by line, and its other demands.
  test.each([
    'allowed connections/s through tcpsvd + ratecheck + echo, vs bare tcpsvd + echo, concurrency 1 and 8',
    'server CPU per allowed connection vs bare',
    'passed of 1000 from one address, limit 10, concurrency 1, 8, 32',
    'first drop after the first connection',
    'checks/s, one connection per check, Unix socket, concurrency 8',
    'daemon CPU per such check',
    'persistent pipelined (depth 100)',
    'hot value with 20 000 hits in the window vs cold',
    'a check with 20 000 networks in limits, of one with 10',
    'memory per tracked value at 1 000 000 values, limit 10',
    'longest stall while 1 000 000 values arrive and later expire',
    'block, from judging to file on disk',
    'reap 100 000 expired blocks',
    'start with 100 000 blocks to first answer; to all in force',
    'tcprules cdb of 100 000 blocks',
    'resident memory of the daemon, 10 000 values, 1 000 blocks',
    '`ipthrottle list` of 10 and of 100 000 blocks',
    'start of `ipthrottle list`, `check` and `status`',
    'history: daemon CPU per check',
    'replay, tcpsvd -v lines with TAI64N',
    'top at 1 000 000 tracked values, one screen a second',
    'growth: a check from 1k to 1M values',
    'growth: a block and its end from 100 to 100k blocks',
  ])('there is a row for: %s', (what) => {
    expect(rows.map((row) => row.what)).toContain(what);
  });

  test('each has the name of its file, by which it is chosen', () => {
    for (const { name } of rows) {
      expect(readFileSync(new URL(`rows/${name}.ts`, import.meta.url), 'utf8')).toContain(
        `name: '${name}'`,
      );
    }
  });

  test('contenders take turns, each round starting with another one, after a rehearsal', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({ name, measure: () => order.push(name) });
    const found = await takeTurns(2, { a: contender('a'), none: undefined, b: contender('b') });
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(found.a?.samples).toEqual([4, 5]);
    expect(found.none).toBeUndefined();
  });
});

describe('a workbench', () => {
  const places = { root: '.', built: '.' };

  test('Guarantee: after clear it leaves no process and no file of a row', async () => {
    const bench = new Workbench(places, true);
    const directory = bench.newDirectory();
    const started = bench.start(directory, ['sleep', '60']);
    const running = bench.run(['sleep', '60']);
    const killed = expect(running).rejects.toThrow('sleep 60');
    await bench.clear();
    await killed;
    expect(started.isRunning).toBe(false);
    expect(() => readFileSync(directory)).toThrow('ENOENT');
  });

  test('gives nothing new to an abandoned row', async () => {
    const bench = new Workbench(places, true);
    await bench.clear();
    expect(() => bench.start('/', ['sleep', '60'])).toThrow('the row is over');
    expect(() => bench.run(['true'])).toThrow('the row is over');
    expect(() => bench.newDirectory()).toThrow('the row is over');
  });
});
