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
          exclude: ['test/e2e/**', 'test/aws-build/**', 'test/browser/**'],
          // The CDK's own validation takes seconds to load in every file; `npm run synth` applies it.
          env: { CDK_VALIDATION: 'false' },
          // Loading aws-cdk-lib alone takes seconds on a busy machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // One local AWS is shared; before the first test it waits for a release build of the handlers.
          globalSetup: ['test/e2e/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 5 * 60_000,
          hookTimeout: 60 * 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'aws',
          include: ['test/aws-build/**/*.test.ts'],
          testTimeout: 2 * 60_000,
        },
      },
    ],
  },
});
