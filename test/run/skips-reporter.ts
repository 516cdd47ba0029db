/**
 * Ends a run with the reasons why tests were skipped, each once, and how many tests it cost.
 *
 * Guarantee: a test that is skipped without a reason fails the run, unless tests were chosen by name.
 */
import type { TestCase, TestModule, Vitest } from 'vitest/node';

const unsaid = 'no reason given';

function reasonOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return test.meta().skippedFor ?? note ?? unsaid;
}

export default class SkipsReporter {
  #areChosen = false;

  onInit(vitest: Vitest): void {
    this.#areChosen = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const reason = reasonOf(test);
        if (reason === unsaid) {
          if (this.#areChosen) continue;
          console.error(`skipped, and must say why: ${module.relativeModuleId} > ${test.fullName}`);
          process.exitCode = 1;
        }
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    for (const [reason, count] of [...counts].sort(([, one], [, other]) => other - one)) {
      console.log(`skipped: ${count} ${count === 1 ? 'test' : 'tests'}: ${reason}`);
    }
  }
}
