import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData, type Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule, type CfnRule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { APP_NAME, physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import { handlerMetric } from './handler-metric.ts';
import { addHandlerAlarms } from './handler-alarms.ts';
import type { OperatorAlarms } from './operator-alarms.ts';
import { allowReadingServers } from './read-servers.ts';
import { RustHandler } from './rust-handler.ts';
import type { RuntimeHistoryTable } from './runtime-history-table.ts';
import type { ServersTable } from './servers-table.ts';

const INTERVAL = Duration.hours(1);

/** What {@link MonthlyRuntimeCalculation} works with. */
export interface MonthlyRuntimeCalculationProps {
  /** The environment it belongs to. */
  readonly environment: Environment;
  /** The table whose cache it refreshes. */
  readonly serversTable: ServersTable;
  /** The table in which it keeps what it learns. */
  readonly historyTable: RuntimeHistoryTable;
  /** Where its alarms go. */
  readonly alarms: OperatorAlarms;
}

/** The hourly calculation of every server's running minutes: its function, rule, grants, alarms and metrics. */
export class MonthlyRuntimeCalculation extends Construct {
  private readonly handler: RustHandler;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: MonthlyRuntimeCalculationProps,
  ) {
    super(scope, id);
    const { environment, serversTable, historyTable } = props;
    this.handler = new RustHandler(this, 'Handler', {
      environment,
      functionName: 'calculateMonthlyRuntime',
      binaryName: 'calculate-monthly-runtime',
      description: 'Calculates how long each server ran this month, and writes it to the servers table',
      // A run waits for CloudTrail far more than it computes, and memory is what waiting costs. The largest fleet we
      // plan for (10,000 servers) is to fit into 100 MiB; the rest is headroom, and processor for TLS and JSON.
      memorySize: 256,
      timeout: Duration.seconds(300),
      // The next run does the work of one that never came.
      maxEventAge: INTERVAL,
      variables: {
        APP_NAME,
        ENVIRONMENT: environment.name,
        SERVERS_TABLE_NAME: serversTable.tableName,
        RUNTIME_HISTORY_TABLE_NAME: historyTable.tableName,
        TAG_APP_KEY: environment.tagAppKey,
        TAG_APP_VALUE: environment.tagAppValue,
        CLOUDTRAIL_LOOKBACK_DAYS: String(environment.cloudTrailLookbackDays),
        CLOUDTRAIL_OVERLAP_MINUTES: String(environment.cloudTrailOverlapMinutes),
        MONTH_OPEN_HOURS: String(environment.monthOpenHours),
      },
    });
    allowReadingServers(this, this.handler);
    serversTable.allowCacheAccessToFleet(this.handler);
    historyTable.allowKeepingHistory(this.handler);
    historyTable.allowListingServers(this.handler);
    this.createRule();
    this.addAlarms();
  }

  /** The function that calculates. */
  get function(): IFunction {
    return this.handler.function;
  }

  /** Servers found by the last run. */
  metricServersTotal(options?: MetricOptions): Metric {
    return this.metric('ServersTotal', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Servers whose minutes were written. */
  metricServersProcessed(options?: MetricOptions): Metric {
    return this.metric('ServersProcessed', options);
  }

  /** Servers whose minutes could not be calculated or written, inside runs that otherwise succeeded. */
  metricServerErrors(options?: MetricOptions): Metric {
    return this.metric('ServerErrors', options);
  }

  /** CloudTrail records of starts and stops that could not be read. */
  metricUnreadableRecords(options?: MetricOptions): Metric {
    return this.metric('UnreadableRecords', options);
  }

  /** Servers that start or stop so often that what is kept of them was folded into summaries. */
  metricRestlessServers(options?: MetricOptions): Metric {
    return this.metric('RestlessServers', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Age in seconds of the oldest cache entry that the last run left. */
  metricOldestCacheAge(options?: MetricOptions): Metric {
    return this.metric('OldestCacheAgeSeconds', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Requests made to CloudTrail. */
  metricCloudTrailLookups(options?: MetricOptions): Metric {
    return this.metric('CloudTrailLookups', options);
  }

  /** Requests that CloudTrail throttled. */
  metricCloudTrailThrottles(options?: MetricOptions): Metric {
    return this.metric('CloudTrailThrottles', options);
  }

  private metric(metricName: string, options?: MetricOptions): Metric {
    return handlerMetric(this, this.props.environment.name, metricName, options);
  }

  private createRule(): void {
    const rule = new Rule(this, 'Rule', {
      ruleName: physicalName(this.props.environment.name, 'MonthlyRuntimeCalculationRule'),
      description: 'Starts the calculation of running minutes every hour',
      schedule: Schedule.rate(INTERVAL),
      targets: [
        new LambdaFunction(this.handler.function, {
          deadLetterQueue: this.handler.deadLetterQueue,
          maxEventAge: INTERVAL,
        }),
      ],
    });
    (rule.node.defaultChild as CfnRule).overrideLogicalId('MonthlyRuntimeCalculationRule');
  }

  private addAlarms(): void {
    const { alarms, serversTable, historyTable } = this.props;
    const { functionName } = this.function;
    addHandlerAlarms(alarms, { prefix: 'calculation', handler: this.handler, maxDuration: Duration.seconds(120) });
    alarms.add('calculation-failing', {
      meaning: `${functionName} failed as often in an hour as a run and its retries can: no server was refreshed.`,
      metric: this.function.metricErrors({ statistic: Stats.SUM, period: INTERVAL }),
      threshold: this.handler.attempts,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    });
    alarms.add('calculation-not-running', {
      meaning: `${functionName} was not invoked for two hours.`,
      metric: this.function.metricInvocations({ statistic: Stats.SUM, period: INTERVAL }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.BREACHING,
    });
    alarms.add('calculation-server-errors', {
      meaning: `A run of ${functionName} succeeded, but not for every server.`,
      metric: this.metricServerErrors({ period: Duration.minutes(5) }),
      threshold: 0,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarms.add('calculation-unreadable-records', {
      meaning: `CloudTrail has records that ${functionName} could not read: nothing is proven across a start among them.`,
      metric: this.metricUnreadableRecords({ period: Duration.minutes(5) }),
      threshold: 0,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarms.add('calculation-restless-servers', {
      meaning: 'A server starts or stops so often that what is kept of it had to be folded into summaries.',
      metric: this.metricRestlessServers({ period: Duration.minutes(5) }),
      threshold: 0,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarms.add('servers-table-throttles', {
      meaning: `DynamoDB throttled requests to ${serversTable.tableName}.`,
      metric: serversTable.metricThrottledRequests({ period: Duration.minutes(5) }),
      threshold: 0,
    });
    alarms.add('history-table-throttles', {
      meaning: `DynamoDB throttled requests to ${historyTable.tableName}.`,
      metric: historyTable.metricThrottledRequests({ period: Duration.minutes(5) }),
      threshold: 0,
    });
    alarms.add('cache-stale', {
      meaning: `Runs of ${functionName} succeed, and yet some server's cache is more than three hours old.`,
      metric: this.metricOldestCacheAge({ period: Duration.minutes(5) }),
      threshold: Duration.hours(3).toSeconds(),
      treatMissingData: TreatMissingData.IGNORE,
    });
  }
}
