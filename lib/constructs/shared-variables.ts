import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { APP_NAME, readerRoleName } from '../naming.ts';
import { furtherScopes, otherAccounts, scopesVariable } from '../scopes.ts';
import type { Environment } from '../settings.ts';
import type { RuntimeHistoryTable } from './runtime-history-table.ts';
import type { ServersTable } from './servers-table.ts';

/** What {@link sharedVariables} tells of. */
export interface SharedVariablesProps {
  /** The environment. */
  readonly environment: Environment;
  /** The table that has the cache. */
  readonly serversTable: ServersTable;
  /** The table that has the ledger. */
  readonly historyTable: RuntimeHistoryTable;
}

/** The environment variables that every function reads. */
export function sharedVariables(
  scope: Construct,
  { environment, serversTable, historyTable }: SharedVariablesProps,
): Record<string, string> {
  return {
    APP_NAME,
    ENVIRONMENT: environment.name,
    SERVERS_TABLE_NAME: serversTable.tableName,
    RUNTIME_HISTORY_TABLE_NAME: historyTable.tableName,
    TAG_APP_KEY: environment.tagAppKey,
    TAG_APP_VALUE: environment.tagAppValue,
    HOME_ACCOUNT: Stack.of(scope).account,
    ...scopeVariables(environment),
  };
}

/** What a function is told of the further scopes, where there are any. */
function scopeVariables(environment: Environment): Record<string, string> {
  const further = furtherScopes(environment);
  return {
    ...(further.length > 0 ? { FURTHER_SCOPES: scopesVariable(further) } : {}),
    ...(otherAccounts(environment).length > 0 ? { READER_ROLE_NAME: readerRoleName(environment.name) } : {}),
  };
}
