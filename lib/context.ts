import { BUNDLING_STACKS } from 'aws-cdk-lib/cx-api';
import type { App } from 'aws-cdk-lib';
import { SettingsError } from './settings.ts';

/** What can be asked for on the command line with `-c <name>=true` or `false`. */
export interface ContextSwitches {
  /** Whether to deploy to a local AWS. */
  readonly local: boolean;
}

/**
 * Reads the switches of the command line, and applies `-c build=false`: synthesize without building the Rust handlers,
 * which is enough to check every environment and is not deployable.
 */
export function readContext(app: App): ContextSwitches {
  if (!readSwitch(app, 'build', true)) app.node.setContext(BUNDLING_STACKS, []);
  return { local: readSwitch(app, 'local', false) };
}

function readSwitch(app: App, name: string, byDefault: boolean): boolean {
  const value: unknown = app.node.tryGetContext(name) ?? byDefault;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new SettingsError(`Context "${name}" is ${JSON.stringify(value)}, but must be true or false.`);
}
