import type { TestProject } from 'vitest/node';
import type { DeployedStack } from '../local-aws/aws.ts';
import { startLocalAws } from '../local-aws/local-aws.ts';
import { exitOnSignals, stopAll } from '../local-aws/processes.ts';
import { Progress } from '../local-aws/progress.ts';
import { simulatorArguments } from '../local-aws/several-scopes.ts';

/** Where the tests find the local AWS: what can be handed from vitest's main process to a worker. */
export interface Coordinates {
  readonly endpoint: string;
  readonly simulatorUrl: string;
  readonly stateDirectory: string;
  readonly stack: DeployedStack;
}

declare module 'vitest' {
  interface ProvidedContext {
    localAws: Coordinates;
  }
}

/** Deploys the dev stack to a local AWS, once for all tests. In vitest's main process, which outlives its workers. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  exitOnSignals(stopAll);
  const progress = new Progress((line) => process.stderr.write(`${line}\n`));
  try {
    const { endpoint, simulatorUrl, stateDirectory, stack } = await startLocalAws({
      command: 'e2e',
      simulatorArgs: ['--scenario', 'showcase', ...simulatorArguments()],
      progress,
    });
    project.provide('localAws', { endpoint, simulatorUrl, stateDirectory, stack });
  } catch (error) {
    await stopAll();
    throw error;
  }
  return stopAll;
}
