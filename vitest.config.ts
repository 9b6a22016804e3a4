import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/support/summary-reporter.ts';

export default defineConfig({
  test: {
    reporters: ['default', new SummaryReporter()],
    projects: [
      {
        test: {
          name: 'cdk',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          // Loading aws-cdk-lib alone takes seconds on a busy machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // One local AWS is shared, and the first test waits for a release build of the handlers.
          fileParallelism: false,
          testTimeout: 5 * 60_000,
          hookTimeout: 60 * 60_000,
        },
      },
    ],
  },
});
