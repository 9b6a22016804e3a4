// The CDK app of an environment with several scopes, for the local AWS: what `bin/app.ts` would make of such settings.
import { App } from 'aws-cdk-lib';
import { parseArgs } from 'node:util';
import { asLocal } from '../../lib/local-aws.ts';
import { RuntimeCacheStack } from '../../lib/runtime-cache-stack.ts';
import { furtherScopes } from '../../lib/scopes.ts';
import { resolveEnvironments } from '../../lib/settings.ts';
import { SpokeStack } from '../../lib/spoke-stack.ts';
import { manyScopes, severalScopes } from './several-scopes.ts';

const { values } = parseArgs({ options: { accounts: { type: 'string' } } });
const settings = values.accounts === undefined ? severalScopes() : manyScopes(Number(values.accounts));

const app = new App();
for (const environment of resolveEnvironments([settings]).map((environment) => asLocal(environment))) {
  new RuntimeCacheStack(app, environment);
  for (const scope of furtherScopes(environment)) new SpokeStack(app, environment, scope);
}
