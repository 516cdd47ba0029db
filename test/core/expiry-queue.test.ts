import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpiryQueue } from '../../src/core/expiry-queue.ts';

type Step = { readonly untilMs: number } | 'take' | 'reset';

const steps = fc.array(
  fc.oneof(
    fc.record({ untilMs: fc.integer({ min: 0, max: 20 }) }),
    fc.constant<Step>('take'),
    fc.constant<Step>('reset'),
  ),
);

test('whatever is added and taken, the one that ends first is in front', () => {
  fc.assert(
    fc.property(steps, (script: readonly Step[]) => {
      const queue = new ExpiryQueue<{ readonly untilMs: number }>();
      let expected: { readonly untilMs: number }[] = [];
      for (const step of script) {
        if (step === 'reset') queue.reset(expected.toReversed());
        else if (step === 'take') {
          const taken = queue.takeFirst();
          expect(taken?.untilMs).toBe(expected[0]?.untilMs);
          expected = expected.filter((each) => each !== taken);
        } else {
          queue.add(step);
          expected = [...expected, step].sort((a, b) => a.untilMs - b.untilMs);
        }
        expect(queue.size).toBe(expected.length);
        expect(queue.first()?.untilMs).toBe(expected[0]?.untilMs);
      }
    }),
  );
});
