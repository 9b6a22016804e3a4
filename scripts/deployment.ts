import { physicalName, stackName } from '../lib/naming.ts';
import type { Environment } from '../lib/settings.ts';

/** Where a deployment goes. */
export interface Destination {
  readonly account: string;
  readonly region: string;
}

/** What a deployment needs of the world outside. */
export interface World {
  /** Where the environment is to be, by its settings and by the credentials and the region at hand. */
  destinationOf(environment: Environment): Promise<Destination>;
  /** Whether the CDK has been prepared there. */
  isBootstrapped(destination: Destination): Promise<boolean>;
  /** Runs a command in the project's directory, for a destination once that is known. */
  run(command: string, args: readonly string[], destination?: Destination): void;
  /** Tells the user. */
  say(text: string): void;
}

/** Why nothing, or not all, was deployed: the message is all that the user needs to see. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

/**
 * Deploys an environment, with all that this needs: checks first, then the tools, the account, and the stack.
 * `cdkOptions` go to `cdk deploy` as they are.
 */
export async function deploy(environment: Environment, cdkOptions: readonly string[], world: World): Promise<void> {
  const destination = await world.destinationOf(environment);
  const { account, region } = destination;
  const stack = stackName(environment.name);
  world.say(`${stack} goes to account ${account}, region ${region}.`);
  world.run('node', ['test/local-aws/setup.mjs', '--aws']);
  if (!(await world.isBootstrapped(destination))) {
    world.say(`The CDK is new to account ${account} in ${region}: bootstrapping.`);
    world.run('cdk', ['bootstrap', `aws://${account}/${region}`], destination);
  }
  world.run('cdk', ['deploy', stack, ...cdkOptions], destination);
  world.say(`\n${stack} is deployed. What to verify:\n\n${verification(environment, region)}`);
}

/** The environment of a name. */
export function findEnvironment(name: string, environments: readonly Environment[]): Environment {
  const found = environments.find((environment) => environment.name === name);
  if (found) return found;
  const known = environments.map((environment) => environment.name).join(', ');
  throw new DeploymentError(`There is no environment "${name}" in lib/environments.ts. It has: ${known}.`);
}

/** Shell commands that show whether a deployed environment works, each with what to expect. */
function verification({ name, serversTable }: Environment, region: string): string {
  const table = 'existingName' in serversTable ? serversTable.existingName : physicalName(name, 'ServersTable');
  return `export AWS_REGION=${region}

# 1. Run it now. Expect "errors": 0 and your number of servers.
aws lambda invoke --function-name ${physicalName(name, 'calculateMonthlyRuntime')} --cli-read-timeout 0 \\
  --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout

# 2. Look at one server: put its instance id here.
aws dynamodb get-item --table-name ${table} --key '{"id": {"S": "i-0123456789abcdef0"}}'

# 3. Each subscriber of the alarms has confirmed: none says PendingConfirmation.
aws sns list-subscriptions-by-topic --query 'Subscriptions[].[Endpoint, SubscriptionArn]' --topic-arn \\
  $(aws cloudformation describe-stacks --stack-name ${stackName(name)} --output text \\
    --query 'Stacks[0].Outputs[?OutputKey==\`AlarmTopicArn\`].OutputValue')

# 4. Raise an alarm on trial: the mail arrives, and the alarm ends by itself.
aws cloudwatch set-alarm-state --alarm-name ${physicalName(name, 'calculation-throttles')} \\
  --state-value ALARM --state-reason trial`;
}
