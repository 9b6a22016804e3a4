import { Metric, Stats, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, type CfnRule, type RuleProps } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE, physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import type { OperatorAlarms } from './operator-alarms.ts';
import { RustHandler, type RustHandlerProps } from './rust-handler.ts';
import type { RuntimeHistoryTable } from './runtime-history-table.ts';
import type { ServersTable } from './servers-table.ts';
import { sharedVariables } from './shared-variables.ts';

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
      variables: { ...sharedVariables(this, { environment, serversTable, historyTable }), ...props.variables },
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
