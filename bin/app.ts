import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { delimiter, resolve } from 'node:path';
import { readContext } from '../lib/context.ts';
import { environments } from '../lib/environments.ts';
import { asLocal } from '../lib/local-aws.ts';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { furtherScopes } from '../lib/scopes.ts';
import { resolveEnvironments, SettingsError } from '../lib/settings.ts';
import { SpokeStack } from '../lib/spoke-stack.ts';

// The project's own cargo-lambda, where its set-up has installed one.
process.env.PATH = [resolve(import.meta.dirname, '../.venv/bin'), process.env.PATH].join(delimiter);

try {
  const app = new App();
  const { local } = readContext(app);
  for (const environment of resolveEnvironments(environments)) {
    const deployed = local ? asLocal(environment) : environment;
    new RuntimeCacheStack(app, deployed);
    for (const scope of furtherScopes(deployed)) new SpokeStack(app, deployed, scope);
  }
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  // Not merely an exit code: the app would go on to synthesize what it has.
  process.exit(1);
}
