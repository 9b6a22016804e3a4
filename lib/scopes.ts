import type { Environment, EnvironmentSettings } from './settings.ts';

/** An account and a region: what one run is about. */
export interface Scope {
  /** Account id, 12 digits. */
  readonly account: string;
  /** Region. */
  readonly region: string;
}

/** Lambda takes 4 KB of variables in all; the others need less than a quarter of it. */
const LONGEST_VARIABLE = 3000;

/** The scopes of an environment further than its home scope, in the order of the settings. */
export function furtherScopes({ account: home = '', scopes }: Pick<Environment, 'account' | 'scopes'>): Scope[] {
  return scopes.flatMap(({ account = home, regions }) => regions.map((region) => ({ account, region })));
}

/** The further regions of the home account that an environment counts. */
export function furtherHomeRegions(environment: Environment): string[] {
  const own = furtherScopes(environment).filter(({ account }) => account === environment.account);
  return own.map(({ region }) => region);
}

/** The other accounts of which an environment counts servers, each once. */
export function otherAccounts(environment: Environment): string[] {
  const accounts = furtherScopes(environment).map(({ account }) => account);
  return [...new Set(accounts)].filter((account) => account !== environment.account);
}

/**
 * Scopes as the functions read them from a variable: accounts grouped by the regions that are counted in them, such as
 * `eu-west-1,us-east-1=111122223333,222233334444;us-east-1=333344445555`.
 */
export function scopesVariable(scopes: readonly Scope[]): string {
  const groups = new Map<string, string[]>();
  for (const account of [...new Set(scopes.map((scope) => scope.account))].sort()) {
    const own = scopes.filter((scope) => scope.account === account).map(({ region }) => region);
    const regions = own.sort().join(',');
    groups.set(regions, [...(groups.get(regions) ?? []), account]);
  }
  return [...groups]
    .map(([regions, accounts]) => `${regions}=${accounts.join(',')}`)
    .sort()
    .join(';');
}

/** What is wrong with an environment's scopes beyond the form of each, in words that complete "setting "scopes" …". */
export function scopeProblems({ account, region, scopes = [] }: EnvironmentSettings): string[] {
  if (scopes.length === 0) return [];
  if (account === undefined || region === undefined) {
    return ['is set, but can only be where "account" and "region" are set too: the spokes have to know their hub'];
  }
  const further = furtherScopes({ account, scopes }).map((scope) => `${scope.account}/${scope.region}`);
  const home = `${account}/${region}`;
  const repeated = further.filter((scope, index) => further.indexOf(scope) !== index);
  const length = scopesVariable(furtherScopes({ account, scopes })).length;
  return [
    ...[...new Set(repeated)].map((scope) => `has ${scope} twice, but must have it once`),
    ...(further.includes(home) ? [`has ${home}, but that is the home scope, which is always counted`] : []),
    ...(length > LONGEST_VARIABLE
      ? [`takes ${length} characters as a variable, but must take at most ${LONGEST_VARIABLE}`]
      : []),
  ];
}
