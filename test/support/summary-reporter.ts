import type { Reporter, SerializedError, TestModule } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Prints one plain closing line per project, `cdk: 41 passed, 0 failed`, for hosts that read results from the log. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const projects = new Map<string, Counts>();
    for (const module of modules) {
      const counts = projects.get(module.project.name) ?? { passed: 0, failed: 0, skipped: 0 };
      projects.set(module.project.name, counts);
      countTests(module, counts);
    }
    // An error outside any test fails the run, so no project may report a clean line.
    for (const counts of projects.values()) counts.failed += unhandledErrors.length;
    for (const [name, counts] of projects) process.stdout.write(`${summaryLine(name, counts)}\n`);
  }
}

function countTests(module: TestModule, counts: Counts): void {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    // A test that never got to run, because its setup failed, has not passed.
    counts[state === 'pending' ? 'failed' : state] += 1;
  }
  // A file that cannot be loaded, or whose hooks fail, has errors of its own and perhaps no tests.
  counts.failed += module.errors().length;
}

function summaryLine(name: string, { passed, failed, skipped }: Counts): string {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
