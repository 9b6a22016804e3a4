import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { BUNDLING_STACKS } from 'aws-cdk-lib/cx-api';
import { readFileSync } from 'node:fs';
import { environments } from '../../lib/environments.ts';
import { RuntimeCacheStack } from '../../lib/runtime-cache-stack.ts';
import { furtherScopes } from '../../lib/scopes.ts';
import { resolveEnvironments, type Environment, type EnvironmentSettings } from '../../lib/settings.ts';
import { SpokeStack } from '../../lib/spoke-stack.ts';

const cdkJson = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as {
  context: Record<string, unknown>;
};

/** Settings that say no more than they must. */
export const minimalSettings: EnvironmentSettings = {
  name: 'test',
  tagAppValue: 'fleet',
  alarmSubscribers: [],
  runbookUrl: 'https://wiki.test/RUNBOOK.md',
  serversTable: { create: true },
};

/** Settings of an environment with further scopes: a region of its own account, and two of another. */
export const severalScopes = {
  account: '111122223333',
  region: 'eu-west-1',
  scopes: [{ regions: ['us-east-1'] }, { account: '222233334444', regions: ['eu-west-1', 'us-east-1'] }],
} as const satisfies Partial<EnvironmentSettings>;

/** An app with the feature flags of `cdk.json`, so that tests see what is deployed; it builds only the stacks named. */
export function testApp(builtStacks: readonly string[] = []): App {
  const context = { ...cdkJson.context, [BUNDLING_STACKS]: builtStacks };
  return new App({ analyticsReporting: false, context });
}

/** A stack to put a single construct in. */
export function testStack(): Stack {
  return new Stack(testApp(), 'test');
}

/** The environment of {@link minimalSettings}, changed. */
export function testEnvironment(changes: Partial<EnvironmentSettings> = {}): Environment {
  const [environment] = resolveEnvironments([{ ...minimalSettings, ...changes }]);
  if (!environment) throw new Error('one environment in, one out');
  return environment;
}

/** The stack of an environment. */
export function synthesize(environment: Environment): Template {
  return Template.fromStack(new RuntimeCacheStack(testApp(), environment));
}

/** The stacks of an environment's further scopes. */
export function synthesizeSpokes(environment: Environment): Template[] {
  return furtherScopes(environment).map((scope) => Template.fromStack(new SpokeStack(testApp(), environment, scope)));
}

/** Every environment an operator can deploy, and the variants of settings that shape the template. */
export const variants: ReadonlyMap<string, Environment> = new Map([
  ...resolveEnvironments(environments).map((environment) => [environment.name, environment] as const),
  ['an existing table', testEnvironment({ serversTable: { existingName: 'TheirServers' } })],
  ['x86', testEnvironment({ architecture: 'x86_64' })],
  ['several scopes', testEnvironment(severalScopes)],
]);

/** A resource of a synthesized template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** All resources of the template, by logical id; not every one has properties. */
export function allResources(template: Template): [id: string, resource: Partial<Resource>][] {
  return Object.entries((template.toJSON() as { Resources?: Record<string, Partial<Resource>> }).Resources ?? {});
}

/** The template's resources of a type, by logical id. */
export function resources(template: Template, type: string): [id: string, resource: Resource][] {
  return Object.entries(template.findResources(type)) as [string, Resource][];
}

/** The only resource of a type. */
export function only(template: Template, type: string): Resource['Properties'] {
  const found = resources(template, type);
  const [first] = found;
  if (!first || found.length !== 1) throw new Error(`expected one ${type}, found ${found.length}`);
  return first[1].Properties;
}
