import { spokeStackName, stackName } from '../../lib/naming.ts';
import { furtherScopes, type Scope } from '../../lib/scopes.ts';
import { resolveEnvironments, type EnvironmentSettings } from '../../lib/settings.ts';
import { CdkCli, type CdkTarget } from './cdk.ts';
import { ACCOUNT, appTag, REGION } from './context.ts';

/** An account that is not the hub's. */
export const OTHER_ACCOUNT = '222233334444';

/** A region that is not the hub's. */
export const OTHER_REGION = 'eu-west-1';

/** Servers of each further scope. */
export const SERVERS_EACH = 4;

const NAME = 'scopes';

/** The app that has the hub and its spokes. */
const APP = 'node --import tsx test/local-aws/several-scopes-app.ts';

/** Settings of an environment over two accounts by two regions. */
export function severalScopes(): EnvironmentSettings {
  const { key, value } = appTag();
  return {
    name: NAME,
    account: ACCOUNT,
    region: REGION,
    scopes: [{ regions: [OTHER_REGION] }, { account: OTHER_ACCOUNT, regions: [REGION, OTHER_REGION] }],
    tagAppKey: key,
    tagAppValue: value,
    alarmSubscribers: [],
    runbookUrl: 'https://example.com/RUNBOOK.md',
    serversTable: { create: true },
  };
}

/** The scopes further than home. */
export function further(): Scope[] {
  return resolveEnvironments([severalScopes()]).flatMap((environment) => furtherScopes(environment));
}

/** Arguments that make the simulator play all of them. */
export function simulatorArguments(): string[] {
  return further().map(({ account, region }) => `--further-scope=${account}/${region}=random:${SERVERS_EACH}`);
}

/** The CDK CLI for the hub, and for each spoke as its account. */
export function deployments(endpoint: string, stateDirectory: string): { hub: CdkCli; spokes: CdkCli[] } {
  const cli = (stack: string, { account, region }: Scope): CdkCli => {
    const target: CdkTarget = { stack, app: APP, assembly: 'cdk.scopes.out', account, region };
    return new CdkCli(endpoint, stateDirectory, target);
  };
  return {
    hub: cli(stackName(NAME), { account: ACCOUNT, region: REGION }),
    spokes: further().map((scope) => cli(spokeStackName(NAME, scope), scope)),
  };
}
