import { rules, unknownSetting } from './settings-rules.ts';

/** The architectures Lambda offers. */
export type ArchitectureName = 'arm64' | 'x86_64';

/** The servers table: created by the stack, or an existing one of the operator's application. */
export type ServersTableSetting = { readonly create: true } | { readonly existingName: string };

/** What an operator sets for an environment. */
export interface EnvironmentSettings {
  /** Short name, in lower-case letters and digits: part of the stack's name and of every physical name. */
  readonly name: string;

  /**
   * Account to deploy to.
   * @default - the account of the credentials `cdk deploy` runs with
   */
  readonly account?: string;

  /**
   * Region to deploy to; the servers of this region are counted.
   * @default - the region of the profile `cdk deploy` runs with
   */
  readonly region?: string;

  /**
   * Whether losing the environment would hurt: its tables and logs outlive the stack, the stack is protected from
   * deletion, and CloudFormation refuses it while settings still hold placeholders.
   * @default false
   */
  readonly production?: boolean;

  /**
   * Key of the tag that makes an EC2 instance a server of this environment.
   * @default 'App'
   */
  readonly tagAppKey?: string;

  /** Value of that tag. */
  readonly tagAppValue: string;

  /** Who hears of alarms: mail addresses and HTTPS URLs. Empty: alarms show in the console only. */
  readonly alarmSubscribers: readonly string[];

  /** Where the runbook (`docs/RUNBOOK.md`) can be read; every alarm links to its heading there. */
  readonly runbookUrl: string;

  /** The table that holds the cache. */
  readonly serversTable: ServersTableSetting;

  /**
   * Processor architecture of the functions.
   * @default 'arm64'
   */
  readonly architecture?: ArchitectureName;

  /**
   * Days to keep the functions' logs: one of the periods that CloudWatch Logs offers.
   * @default 90
   */
  readonly logRetentionDays?: number;

  /**
   * Days before the start of the month that a sweep of CloudTrail reaches back.
   * @default 7
   */
  readonly cloudTrailLookbackDays?: number;

  /**
   * Minutes behind its watermark that a sweep of CloudTrail reads again each hour, for events delivered late. Once a day
   * it is 25 hours.
   * @default 60
   */
  readonly cloudTrailOverlapMinutes?: number;

  /**
   * Hours after its end that a month stays open for late events; then its numbers are final.
   * @default 24
   */
  readonly monthOpenHours?: number;

  /**
   * Hours after which a cached value is too old to answer a state change with: a value older than this is calculated
   * anew. It only concerns the answers of `eventResponse`; the hourly run refreshes every value anyway.
   * @default - a cached value is always used, whatever its age
   */
  readonly cacheMaxAgeHours?: number;
}

/** Settings that have no default: not being set means something of its own. */
type SettingWithoutDefault = 'account' | 'region' | 'cacheMaxAgeHours';

/** A validated environment with every default filled in. */
export interface Environment
  extends Required<Omit<EnvironmentSettings, SettingWithoutDefault>>, Pick<EnvironmentSettings, SettingWithoutDefault> {
  /** Whether this is the local AWS: built for, and with the toolchain of, the machine at hand. */
  readonly local: boolean;
}

/** One or more settings are wrong; the message has one sentence for each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const defaults = {
  production: false,
  tagAppKey: 'App',
  architecture: 'arm64',
  logRetentionDays: 90,
  cloudTrailLookbackDays: 7,
  cloudTrailOverlapMinutes: 60,
  monthOpenHours: 24,
  local: false,
} as const;

/**
 * Validates the environments and fills in the defaults.
 *
 * All of it at run time: the app runs without a type check, and an operator deserves a sentence, not a stack trace.
 */
export function resolveEnvironments(all: readonly EnvironmentSettings[]): Environment[] {
  const problems = [...all.flatMap(problemsOf), ...duplicates(all)];
  if (problems.length > 0) throw new SettingsError(problems.join('\n'));
  return all.map((settings) => ({ ...defaults, ...withoutUndefined(settings) }));
}

function problemsOf(settings: EnvironmentSettings): string[] {
  const given: Record<string, unknown> = withoutUndefined({ ...settings });
  const environment = `Environment ${JSON.stringify(given.name ?? '(no name)')}`;
  const wrong = Object.entries(rules).flatMap(([setting, { required, allowed, holds }]) => {
    const value = given[setting];
    if (value === undefined)
      return required ? [`${environment}: setting "${setting}" is missing; it must be ${allowed}.`] : [];
    return holds(value)
      ? []
      : [`${environment}: setting "${setting}" is ${JSON.stringify(value)}, but must be ${allowed}.`];
  });
  const unknown = Object.keys(given).filter((setting) => !(setting in rules));
  return [...wrong, ...unknown.map((setting) => `${environment}: ${unknownSetting(setting)}`)];
}

function duplicates(all: readonly EnvironmentSettings[]): string[] {
  const names = all.map(({ name }) => name);
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...repeated].map((name) => `Environment "${name}": setting "name" is used twice, but must be unique.`);
}

/** An explicit `undefined` means the default, as if the setting were not there. */
function withoutUndefined<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
}
