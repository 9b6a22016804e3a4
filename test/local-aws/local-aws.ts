import { createClients, describeStack, type Clients, type DeployedStack } from './aws.ts';
import { CdkCli } from './cdk.ts';
import { freshStateDirectory, STACK } from './context.ts';
import { startMinistack } from './ministack.ts';
import type { Progress } from './progress.ts';
import { buildSimulator, SimulatorClient, startSimulator } from './simulator.ts';

/** A local AWS with the dev stack deployed and a simulated fleet beside it. */
export interface LocalAws {
  readonly endpoint: string;
  readonly simulatorUrl: string;
  readonly stateDirectory: string;
  readonly clients: Clients;
  readonly simulator: SimulatorClient;
  readonly cdk: CdkCli;
  readonly stack: DeployedStack;
}

/** What it is for, and which fleet it has. */
export interface LocalAwsOptions {
  /** The command it runs for; names its directory under `.local-aws/`. */
  readonly command: string;
  readonly simulatorArgs: readonly string[];
  readonly progress: Progress;
}

/** Compiles, starts and deploys everything. What is started ends with this process. */
export async function startLocalAws({ command, simulatorArgs, progress }: LocalAwsOptions): Promise<LocalAws> {
  const stateDirectory = freshStateDirectory(command);
  progress.say(`Logs are in .local-aws/${command}/`);
  const executable = await progress.compiling('Compiling the fleet simulator', (onLine) =>
    buildSimulator(stateDirectory, onLine),
  );
  const { url: simulatorUrl } = await progress.step('Starting the fleet simulator (EC2 and CloudTrail)', () =>
    startSimulator(executable, stateDirectory, simulatorArgs),
  );
  const { endpoint } = await progress.step('Starting MiniStack (everything else of AWS)', () =>
    startMinistack(stateDirectory, simulatorUrl),
  );
  const cdk = new CdkCli(endpoint, stateDirectory);
  await progress.compiling(
    'Compiling the function and synthesising the stack; bootstrapping the account meanwhile',
    (onLine) => Promise.all([cdk.synth(onLine), cdk.bootstrap()]),
  );
  await progress.step(`Deploying ${STACK}`, () => cdk.deploy());
  const clients = createClients(endpoint);
  const stack = await describeStack(clients);
  return { endpoint, simulatorUrl, stateDirectory, clients, simulator: new SimulatorClient(simulatorUrl), cdk, stack };
}
