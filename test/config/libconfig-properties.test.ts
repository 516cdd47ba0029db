import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checked, parsed, plain } from './mistakes-in.ts';

const names = fc
  .stringMatching(/^[A-Za-z*][-A-Za-z0-9_*]{0,9}$/)
  .filter((name) => !/^(true|false)$/i.test(name));
const scalars = [
  fc.string({ unit: 'binary' }).filter((text) => !/[\0\ud800-\udfff]/u.test(text)),
  fc.maxSafeInteger(),
  fc.boolean(),
];

const { tree } = fc.letrec<{ value: unknown; tree: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    ...scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .oneof(...scalars.map((of) => fc.array<unknown>(of, { maxLength: 4 })))
      .map((array) => ({ array })),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
  tree: fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
}));

function isArray(value: unknown): value is { array: unknown[] } {
  return (
    Array.isArray((value as { array?: unknown }).array) && Object.keys(value as object).length === 1
  );
}

const gaps = [' ', '\n', '\t// x\n', ' /* "( */', '# {\r\n'];

/** libconfig text of a tree, with `choose(n)` deciding what is optional. */
function format(value: unknown, choose: (many: number) => number): string {
  const gap = () => gaps[choose(gaps.length)];
  if (typeof value === 'string') {
    const bytes = [...Buffer.from(value)].map((byte) => byte.toString(16).padStart(2, '0'));
    if (choose(2) === 0) return `"${bytes.map((byte) => `\\x${byte}`).join('')}"`;
    return `"${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = (items: unknown[]) =>
    items.map((item) => `${gap()}${format(item, choose)}${gap()}`).join(',');
  if (isArray(value)) return `[${inner(value.array)}]`;
  if (Array.isArray(value))
    return `(${inner(value)}${value.length > 0 && choose(2) === 0 ? ',' : ''})`;
  return `{${formatSettings(value as Record<string, unknown>, choose)}}`;
}

function formatSettings(
  settings: Record<string, unknown>,
  choose: (many: number) => number,
): string {
  return Object.entries(settings)
    .map(
      ([name, value]) =>
        `${name}${':='[choose(2)]}${format(value, choose)}${[';', ',', ' '][choose(3)]}`,
    )
    .join('\n');
}

describe('any file', () => {
  test('parse(format(tree)) = tree', () => {
    fc.assert(
      fc.property(tree, fc.infiniteStream(fc.nat(1000)), (settings, stream) => {
        const choose = (many: number) => (stream.next().value as number) % many;
        const { root, mistakes } = parsed(formatSettings(settings, choose));
        expect(mistakes).toEqual([]);
        expect(plain(root)).toEqual(settings);
      }),
      { numRuns: 300 },
    );
  });

  test('never throws, whatever its bytes', () => {
    const words = [
      'limits',
      ':',
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      ';',
      ',',
      '"',
      '1',
      '-',
      '\\',
      '/*',
      '*/',
      '//',
      '#',
      '\n',
      '@include "c"',
      '\0',
      'true',
    ];
    const soup = fc.array(fc.constantFrom(...words)).map((parts) => Buffer.from(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), soup), (bytes) => {
        const { config, mistakes } = checked({ c: bytes });
        expect(config === undefined).toBe(mistakes.length > 0);
        for (const line of mistakes) expect(line).toMatch(/^c(:\d+)?: [^\p{C}]+$/u);
      }),
      { numRuns: 1000 },
    );
  });
});
