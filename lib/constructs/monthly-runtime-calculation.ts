import { Duration } from 'aws-cdk-lib';
import {
  ComparisonOperator,
  Stats,
  TreatMissingData,
  type IWidget,
  type Metric,
  type MetricOptions,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Schedule, type IRuleTarget } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { graphs } from './fleet-dashboard.ts';
import { addHandlerAlarms } from './handler-alarms.ts';
import { allowReadingServers, SAMPLES_ACTIONS } from './read-servers.ts';
import type { MonthlyReports } from './monthly-reports.ts';
import type { RustHandler } from './rust-handler.ts';
import { ScopesRun } from './scopes-run.ts';
import { TriggeredHandler, type TriggeredHandlerProps } from './triggered-handler.ts';

const INTERVAL = Duration.hours(1);

/** What {@link MonthlyRuntimeCalculation} works with. */
export interface MonthlyRuntimeCalculationProps extends TriggeredHandlerProps {
  /** Where final months are handed over. */
  readonly reports: MonthlyReports;
}

/** The hourly calculation of every server's running minutes: its function, rule, grants, alarms and metrics. */
export class MonthlyRuntimeCalculation extends TriggeredHandler {
  protected readonly handler: RustHandler;

  constructor(scope: Construct, id: string, props: MonthlyRuntimeCalculationProps) {
    super(scope, id, props);
    const { environment, serversTable, historyTable, reports } = props;
    this.handler = this.createHandler({
      functionName: 'calculateMonthlyRuntime',
      binaryName: 'calculate-monthly-runtime',
      description: 'Calculates how long each server ran this month, and writes it to the servers table',
      // A run waits for CloudTrail far more than it computes, and memory is what waiting costs. The largest fleet we
      // plan for (10,000 servers) is to fit into 100 MiB; the rest is headroom, and processor for TLS and JSON.
      memorySize: 256,
      timeout: Duration.seconds(300),
      // The next run does the work of one that never came.
      events: { maxAge: INTERVAL },
      variables: {
        CLOUDTRAIL_LOOKBACK_DAYS: String(environment.cloudTrailLookbackDays),
        CLOUDTRAIL_OVERLAP_MINUTES: String(environment.cloudTrailOverlapMinutes),
        MONTH_OPEN_HOURS: String(environment.monthOpenHours),
        ASK_CLOUDWATCH: String(environment.askCloudWatch),
        REPORTS_BUCKET_NAME: reports.bucketName,
      },
    });
    allowReadingServers(this, this.handler, environment, environment.askCloudWatch ? SAMPLES_ACTIONS : []);
    serversTable.allowCacheAccessToFleet(this.handler);
    historyTable.allowKeepingHistory(this.handler);
    historyTable.allowListingServers(this.handler);
    reports.allowHandingOver(this.handler);
    this.createRule('MonthlyRuntimeCalculationRule', {
      description: 'Starts the calculation of running minutes every hour',
      schedule: Schedule.rate(INTERVAL),
      targets: [this.hasSeveralScopes ? this.createScopesRun() : this.handler.asTarget()],
    });
    this.addAlarms();
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

  /** CloudTrail records of starts and stops that could not be read; only where there are any. */
  metricUnreadableRecords(options?: MetricOptions): Metric {
    return this.metric('UnreadableRecords', options);
  }

  /** Servers that were started over and over in the last day; only where there are any. */
  metricRestlessServers(options?: MetricOptions): Metric {
    return this.metric('RestlessServers', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Final months whose report could not be handed over yet; only where there are any. */
  metricReportsOverdue(options?: MetricOptions): Metric {
    return this.metric('ReportsOverdue', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Servers of which CloudWatch told otherwise than the records; only where there are any. */
  metricWitnessDisagreements(options?: MetricOptions): Metric {
    return this.metric('WitnessDisagreements', options);
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

  /** Minutes that the whole fleet ran this month, as of the last run. */
  metricFleetRunningMinutes(options?: MetricOptions): Metric {
    return this.metric('FleetRunningMinutes', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Scopes that are counted. */
  metricScopesTotal(options?: MetricOptions): Metric {
    return this.metric('ScopesTotal', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Scopes that could not be read three times in a row. */
  metricScopesFailing(options?: MetricOptions): Metric {
    return this.metric('ScopesFailing', { statistic: Stats.MAXIMUM, ...options });
  }

  /** How the hourly runs go. */
  dashboardRow(): IWidget[] {
    const period = INTERVAL;
    const scopes = this.hasSeveralScopes
      ? [this.metricScopesTotal({ period }), this.metricScopesFailing({ period })]
      : [];
    return graphs(
      ['Minutes of the fleet this month', [this.metricFleetRunningMinutes({ period })]],
      [
        'Servers',
        [
          this.metricServersTotal({ period }),
          this.metricServersProcessed({ period }),
          this.metricServerErrors({ period }),
          this.metricWitnessDisagreements({ period }),
          ...scopes,
        ],
      ],
      ['Oldest cached value, seconds', [this.metricOldestCacheAge({ period })]],
      ['CloudTrail requests', [this.metricCloudTrailLookups({ period }), this.metricCloudTrailThrottles({ period })]],
      [
        'Hourly run: errors, longest duration in ms',
        [this.function.metricErrors({ period }), this.function.metricDuration({ period, statistic: Stats.MAXIMUM })],
      ],
    );
  }

  private get hasSeveralScopes(): boolean {
    return this.props.environment.scopes.length > 0;
  }

  private createScopesRun(): IRuleTarget {
    const { environment, alarms } = this.props;
    return new ScopesRun(this, 'Scopes', { environment, alarms, handler: this.handler }).asTarget();
  }

  private addAlarms(): void {
    const { alarms, serversTable, historyTable } = this.props;
    const { functionName } = this.function;
    const watched = { prefix: 'calculation', handler: this.handler, maxDuration: Duration.seconds(120) };
    if (this.hasSeveralScopes) {
      // One scope's failure is told by its status; that most of them fail is told here.
      addHandlerAlarms(alarms, { ...watched, errors: { percent: 50, hours: 3 } });
      this.addScopesAlarm();
    } else {
      addHandlerAlarms(alarms, watched);
      this.addRunAlarms();
    }
    alarms.add('calculation-server-errors', {
      meaning: `A run of ${functionName} succeeded, but not for every server.`,
      metric: this.metricServerErrors({ period: Duration.minutes(5) }),
      threshold: 0,
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarms.add('calculation-unreadable-records', {
      meaning: `CloudTrail has records that ${functionName} could not read: nothing is proven across a start among them.`,
      metric: this.metricUnreadableRecords({ period: INTERVAL }),
      threshold: 0,
    });
    alarms.add('calculation-restless-servers', {
      meaning: 'A server was started more than 100 times in a day: something starts it over and over.',
      metric: this.metricRestlessServers({ period: INTERVAL }),
      threshold: 0,
    });
    alarms.add('calculation-reports-overdue', {
      meaning: `A month is final, and ${functionName} could not write its report or announce it.`,
      metric: this.metricReportsOverdue({ period: INTERVAL }),
      threshold: 0,
    });
    alarms.add('calculation-witness-disagreements', {
      meaning: `Of some server CloudWatch's samples tell otherwise than the records do.`,
      metric: this.metricWitnessDisagreements({ period: INTERVAL }),
      threshold: 0,
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

  /** With one scope, a run that fails is the fleet's. */
  private addRunAlarms(): void {
    const { alarms } = this.props;
    const { functionName } = this.function;
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
  }

  /** With several, one scope's failure is its own: the function fails for it, and all others go on. */
  private addScopesAlarm(): void {
    this.props.alarms.add('scopes-failing', {
      meaning: 'A scope could not be read three times in a row: its servers keep their last values.',
      metric: this.metricScopesFailing({ period: Duration.minutes(5) }),
      threshold: 0,
      treatMissingData: TreatMissingData.IGNORE,
    });
  }
}
