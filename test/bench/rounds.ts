/** Takes turns, so that what disturbs the machine disturbs every contender alike. */
import type { Series } from './row.ts';

export type Contender = {
  readonly name: string;
  /** One sample. */
  measure(round: number): number | Promise<number>;
};

/**
 * One sample of each contender a round, each round starting with another one. A rehearsal comes
 * first and does not count, because programs that run for months are not judged by their start.
 */
export async function takeTurns<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, Contender | undefined>>,
): Promise<Record<Name, Series | undefined>> {
  const running = Object.entries<Contender | undefined>(contenders).flatMap(([key, contender]) =>
    contender ? [{ key, contender, samples: [] as number[] }] : [],
  );
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < running.length; turn += 1) {
      const each = running[(round + turn) % running.length];
      const sample = await each?.contender.measure(round);
      if (round > 0 && sample !== undefined) each?.samples.push(sample);
    }
  }
  const series = running.map(({ key, contender, samples }) => {
    return [key, { name: contender.name, samples }];
  });
  return Object.fromEntries(series) as Record<Name, Series | undefined>;
}
