import { Stack } from 'aws-cdk-lib';
import { Metric, Stats, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, type CfnRule, type RuleProps } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { APP_NAME, METRIC_NAMESPACE, physicalName, readerRoleName } from '../naming.ts';
import { furtherScopes, otherAccounts, scopesVariable } from '../scopes.ts';
import type { Environment } from '../settings.ts';
import type { OperatorAlarms } from './operator-alarms.ts';
import { RustHandler, type RustHandlerProps } from './rust-handler.ts';
import type { RuntimeHistoryTable } from './runtime-history-table.ts';
import type { ServersTable } from './servers-table.ts';

/** What a {@link TriggeredHandler} works with. */
export interface TriggeredHandlerProps {
  /** The environment it belongs to. */
  readonly environment: Environment;
  /** The table that has the cache. */
  readonly serversTable: ServersTable;
  /** The table in which it keeps what it learns. */
  readonly historyTable: RuntimeHistoryTable;
  /** Where its alarms go. */
  readonly alarms: OperatorAlarms;
}

/** What a function is told of the further scopes, where there are any. */
function scopeVariables(environment: Environment): Record<string, string> {
  const further = furtherScopes(environment);
  return {
    ...(further.length > 0 ? { FURTHER_SCOPES: scopesVariable(further) } : {}),
    ...(otherAccounts(environment).length > 0 ? { READER_ROLE_NAME: readerRoleName(environment.name) } : {}),
  };
}

/**
 * A handler that works on both tables, and the rule that triggers it. Each kind is a construct that owns all there is to
 * its handler: function, rule, grants, alarms and metrics.
 */
export abstract class TriggeredHandler extends Construct {
  protected abstract readonly handler: RustHandler;

  constructor(
    scope: Construct,
    id: string,
    protected readonly props: TriggeredHandlerProps,
  ) {
    super(scope, id);
  }

  /** The function that the rule triggers. */
  get function(): IFunction {
    return this.handler.function;
  }

  /** The handler, with the variables that every one of these reads in addition to its own. */
  protected createHandler(props: Omit<RustHandlerProps, 'environment'>): RustHandler {
    const { environment, serversTable, historyTable } = this.props;
    return new RustHandler(this, 'Handler', {
      ...props,
      environment,
      variables: {
        APP_NAME,
        ENVIRONMENT: environment.name,
        SERVERS_TABLE_NAME: serversTable.tableName,
        RUNTIME_HISTORY_TABLE_NAME: historyTable.tableName,
        TAG_APP_KEY: environment.tagAppKey,
        TAG_APP_VALUE: environment.tagAppValue,
        HOME_ACCOUNT: Stack.of(this).account,
        ...scopeVariables(environment),
        ...props.variables,
      },
    });
  }

  /**
   * Creates the rule that triggers the handler.
   *
   * @param name its logical id, and the end of its physical name
   */
  protected createRule(
    name: string,
    props: Pick<RuleProps, 'description' | 'schedule' | 'eventPattern' | 'eventBus' | 'targets'>,
  ): void {
    const ruleName = physicalName(this.props.environment.name, name);
    const rule = new Rule(this, name, { targets: [this.handler.asTarget()], ...props, ruleName });
    (rule.node.defaultChild as CfnRule).overrideLogicalId(name);
  }

  /** A metric that the handler emits itself. */
  protected metric(name: string, options?: MetricOptions): Metric {
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: name,
      dimensionsMap: { Environment: this.props.environment.name },
      statistic: Stats.SUM,
      ...options,
    }).attachTo(this);
  }
}
