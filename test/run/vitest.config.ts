import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const isSoak = ({ moduleId }: TestSpecification) => Number(moduleId.endsWith('/soak.test.ts'));

/** Without earlier timings Vitest orders by size, and would in the end wait for the soak alone. */
class SoakFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => isSoak(other) - isSoak(one));
  }
}

/** What is tested once more with the socket for checks served by node:net. */
const byNode = [
  'soak/soak',
  'system/abuse',
  'system/access',
  'system/bounds',
  'system/daemon-life',
  'system/exactly-the-limit',
  'system/hostile-text',
  'system/listeners',
  'system/lost-socket',
  'system/out-of-descriptors',
  'system/sessions',
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  define: { IPTHROTTLE_VERSION: '"0-test"' },
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'by node:net', include: byNode, env: { IPTHROTTLE_TRANSPORT: 'node' } },
      },
    ],
    // System tests spend half of their time waiting for real servers and real time.
    maxWorkers: 2 * availableParallelism(),
    // Concurrent tests within a file do little else.
    maxConcurrency: 10,
    sequence: { sequencer: SoakFirst },
    // Tests have timeouts of their own for what they wait for; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/run/skips-reporter.ts'],
  },
});
