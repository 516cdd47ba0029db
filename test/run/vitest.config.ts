import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { IPTHROTTLE_VERSION: '"0-test"' },
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    // The system tests hold real servers to real time; more at once would only slow them down.
    maxWorkers: 2,
    // What a test waits for has a patience of its own; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/run/skips-reporter.ts'],
  },
});
