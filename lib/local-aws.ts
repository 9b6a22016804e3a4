import { SettingsError, type ArchitectureName, type Environment } from './settings.ts';

const architectures: Partial<Record<NodeJS.Architecture, ArchitectureName>> = { arm64: 'arm64', x64: 'x86_64' };

/**
 * The environment as deployed to a local AWS: same stack, same names, but built for this machine and tied to no
 * account; nobody is to be mailed.
 */
export function asLocal(environment: Environment, host: NodeJS.Architecture = process.arch): Environment {
  const architecture = architectures[host];
  if (!architecture) {
    throw new SettingsError(
      `Context "local" is true, but must be false on this machine: Lambda does not run on ${host}.`,
    );
  }
  // Spokes have to know their hub: there the accounts are those of the settings, each with its own credentials.
  const place = environment.scopes.length > 0 ? {} : { account: undefined, region: undefined };
  return { ...environment, ...place, local: true, architecture, alarmSubscribers: [] };
}
