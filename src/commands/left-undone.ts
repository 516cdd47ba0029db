/**
 * What is not done yet of a change when its command answers: a cdb that could not be compiled still
 * refuses or lets in as before, and what the database did not take is lost if rater ends.
 */
import type { CommandContext } from './command.ts';

/** Waits for what can be done, so that the operator finds it done; a line for each thing that cannot. */
export async function leftUndone({ gatekeeper: { blocks } }: CommandContext): Promise<string[]> {
  await blocks.settle();
  return blocks.undone().map(({ part, why }) => `${part}: not done yet: ${why}`);
}
