import { expect, test } from 'vitest';
import { expositionOf } from '../../src/health/exposition.ts';

test('a family has its HELP and TYPE once, then its samples; texts are escaped', () => {
  const odd = 'a "b" \\ c\nd';
  const samples = [{ labels: { one: odd, two: '' }, value: 3 }, { value: 0.5 }];
  expect(expositionOf([{ name: 'x_total', type: 'counter', help: odd, samples }])).toBe(
    [
      '# HELP x_total a "b" \\\\ c\\nd',
      '# TYPE x_total counter',
      'x_total{one="a \\"b\\" \\\\ c\\nd",two=""} 3',
      'x_total 0.5',
      '',
    ].join('\n'),
  );
});

test('a histogram ends with what is above all bounds, its sum and its count', () => {
  const buckets = [
    { bound: 0.001, count: 2 },
    { bound: 1, count: 5 },
  ];
  const histogram = { buckets, count: 6, sum: 2.5 };
  const [, , ...lines] = expositionOf([{ name: 'x', type: 'histogram', help: 'y', histogram }])
    .trimEnd()
    .split('\n');
  expect(lines).toEqual([
    'x_bucket{le="0.001"} 2',
    'x_bucket{le="1"} 5',
    'x_bucket{le="+Inf"} 6',
    'x_sum 2.5',
    'x_count 6',
  ]);
});

test('a number that is none is left out; infinities are written as Prometheus reads them', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const samples = values.map((value) => ({ value }));
  expect(expositionOf([{ name: 'x', type: 'gauge', help: 'y', samples }])).toBe(
    '# HELP x y\n# TYPE x gauge\nx +Inf\nx -Inf\n',
  );
});
