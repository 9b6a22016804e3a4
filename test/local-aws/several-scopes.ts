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
  return overScopes([{ regions: [OTHER_REGION] }, { account: OTHER_ACCOUNT, regions: [REGION, OTHER_REGION] }]);
}

/** Five regions, the hub's among them. */
const REGIONS = [REGION, OTHER_REGION, 'eu-central-1', 'us-west-2', 'ap-southeast-2'];

/** Settings of an environment over so many accounts by five regions. */
export function manyScopes(accounts: number): EnvironmentSettings {
  const others = Array.from({ length: accounts - 1 }, (_, index) => String(222_233_330_000 + index));
  return overScopes([
    { regions: REGIONS.filter((region) => region !== REGION) },
    ...others.map((account) => ({ account, regions: REGIONS })),
  ]);
}

function overScopes(scopes: EnvironmentSettings['scopes']): EnvironmentSettings {
  const { key, value } = appTag();
  return {
    name: NAME,
    account: ACCOUNT,
    region: REGION,
    ...(scopes ? { scopes } : {}),
    tagAppKey: key,
    tagAppValue: value,
    alarmSubscribers: [],
    runbookUrl: 'https://example.com/RUNBOOK.md',
    serversTable: { create: true },
  };
}

/** The scopes further than home. */
export function further(settings = severalScopes()): Scope[] {
  return resolveEnvironments([settings]).flatMap((environment) => furtherScopes(environment));
}

/** Arguments that make the simulator play scopes, each with so many servers. */
export function simulatorArguments(scopes = further(), servers = SERVERS_EACH): string[] {
  return scopes.map(({ account, region }) => `--further-scope=${account}/${region}=random:${servers}`);
}

/** The CDK CLI for the hub, and for each spoke as its account. */
export function deployments(endpoint: string, stateDirectory: string): { hub: CdkCli; spokes: CdkCli[] } {
  const spokes = further().map((scope) => cli(endpoint, stateDirectory, spokeStackName(NAME, scope), scope));
  return { hub: hubOf(endpoint, stateDirectory), spokes };
}

/** The CDK CLI for the hub of the environment that these arguments of its app make. */
export function hubOf(endpoint: string, stateDirectory: string, appArguments: readonly string[] = []): CdkCli {
  return cli(endpoint, stateDirectory, stackName(NAME), { account: ACCOUNT, region: REGION }, appArguments);
}

function cli(
  endpoint: string,
  stateDirectory: string,
  stack: string,
  { account, region }: Scope,
  appArguments: readonly string[] = [],
): CdkCli {
  const app = [APP, ...appArguments].join(' ');
  const target: CdkTarget = { stack, app, assembly: 'cdk.scopes.out', account, region };
  return new CdkCli(endpoint, stateDirectory, target);
}
