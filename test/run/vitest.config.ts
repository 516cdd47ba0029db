import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { IPTHROTTLE_VERSION: '"0-test"' },
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    // Half of what the system tests do is to wait for real servers and real time.
    maxWorkers: 2 * availableParallelism(),
    // Within a file, tests beside each other do little else.
    maxConcurrency: 10,
    // What a test waits for has a patience of its own; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/run/skips-reporter.ts'],
  },
});
