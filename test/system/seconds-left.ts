/**
 * The seconds left of a block that real programs report: at most all of them, less the time for
 * which the machine stood still. With a clock of the test's own they are exact.
 */
import { expect } from 'vitest';

const mostPassed = 30;

/** The source of a pattern: a block of so many seconds, of which some may have passed. */
export function secondsLeft(seconds: number): string {
  const numbers = Array.from({ length: mostPassed + 1 }, (_, passed) => seconds - passed);
  return `(?:${numbers.filter((left) => left > 0).join('|')})`;
}

/** A reply `1 COUNT/LIMIT SECONDS`, such as `1 2/1` and 120. */
export function refusal(rate: string, seconds: number): string {
  return expect.stringMatching(`^${rate} ${secondsLeft(seconds)}$`);
}
