/**
 * Metrics as Prometheus reads them: its text format 0.0.4.
 *
 * Guarantee: every family has its HELP and TYPE once, before its samples, and every line ends in LF,
 * or collectors would drop the whole text. A number that is none is left out.
 */

export type Labels = Readonly<Record<string, string>>;

export type Sample = { readonly labels?: Labels; readonly value: number };

/** How many observations were at most each bound, ascending; `sum` is that of all observations. */
export type Histogram = {
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
};

/** All that is said under one name. */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly histogram: Histogram }
);

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

export function expositionOf(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

function familyText(family: Family): string {
  const { name, help, type } = family;
  const head = `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
  const lines =
    family.type === 'histogram'
      ? histogramLines(name, family.histogram)
      : family.samples.map(({ labels, value }) => line(name, labels, value));
  return head + lines.join('');
}

function histogramLines(name: string, { buckets, count, sum }: Histogram): string[] {
  const bounds = [...buckets, { bound: Number.POSITIVE_INFINITY, count }];
  return [
    ...bounds.map(({ bound, count: upTo }) => line(`${name}_bucket`, { le: number(bound) }, upTo)),
    line(`${name}_sum`, undefined, sum),
    line(`${name}_count`, undefined, count),
  ];
}

function line(name: string, labels: Labels | undefined, value: number): string {
  if (Number.isNaN(value)) return '';
  const pairs = Object.entries(labels ?? {}).map(([label, text]) => {
    return `${label}="${escaped(text).replaceAll('"', '\\"')}"`;
  });
  const among = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
  return `${name}${among} ${number(value)}\n`;
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
