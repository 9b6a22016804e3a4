import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { MonthlyReports } from '../../lib/constructs/monthly-reports.ts';
import { MonthlyRuntimeCalculation } from '../../lib/constructs/monthly-runtime-calculation.ts';
import { RuntimeHistoryTable } from '../../lib/constructs/runtime-history-table.ts';
import { OperatorAlarms } from '../../lib/constructs/operator-alarms.ts';
import { ServersTable } from '../../lib/constructs/servers-table.ts';
import { testEnvironment, testStack } from '../support/synth.ts';

let stack: Stack;
let calculation: MonthlyRuntimeCalculation;
let template: Template;

beforeAll(() => {
  stack = testStack();
  const environment = testEnvironment({ tagAppKey: 'Project', tagAppValue: 'fleet', cloudTrailLookbackDays: 9 });
  calculation = new MonthlyRuntimeCalculation(stack, 'Calculation', {
    environment,
    serversTable: new ServersTable(stack, 'Servers', environment),
    historyTable: new RuntimeHistoryTable(stack, 'History', environment),
    reports: new MonthlyReports(stack, 'Reports', environment),
    alarms: new OperatorAlarms(stack, 'Alarms', {
      environment: 'test',
      subscribers: [],
      runbookUrl: 'https://wiki.test/',
    }),
  });
  template = Template.fromStack(stack);
});

const functionName = { Ref: 'calculateMonthlyRuntime' };
const dimensions = [{ Name: 'FunctionName', Value: functionName }];

test('the function knows its servers, its table and where its metrics belong, and has five minutes', () => {
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'runtime-cache-test-calculateMonthlyRuntime',
    Timeout: 300,
    Environment: {
      Variables: {
        APP_NAME: 'runtime-cache',
        ENVIRONMENT: 'test',
        SERVERS_TABLE_NAME: { Ref: 'ServersTable' },
        RUNTIME_HISTORY_TABLE_NAME: { Ref: 'RuntimeHistoryTable' },
        TAG_APP_KEY: 'Project',
        TAG_APP_VALUE: 'fleet',
        HOME_ACCOUNT: { Ref: 'AWS::AccountId' },
        CLOUDTRAIL_LOOKBACK_DAYS: '9',
        CLOUDTRAIL_OVERLAP_MINUTES: '60',
        MONTH_OPEN_HOURS: '24',
        ASK_CLOUDWATCH: 'true',
        REPORTS_BUCKET_NAME: { Ref: 'ReportsBucket' },
      },
    },
  });
});

test('the rule starts it every hour, and undeliverable events become dead letters', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    Name: 'runtime-cache-test-MonthlyRuntimeCalculationRule',
    ScheduleExpression: 'rate(1 hour)',
    State: 'ENABLED',
    Targets: [
      Match.objectLike({
        Arn: { 'Fn::GetAtt': ['calculateMonthlyRuntime', 'Arn'] },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'Arn'] } },
        RetryPolicy: { MaximumEventAgeInSeconds: 3600 },
      }),
    ],
  });
  expect(Object.keys(template.findResources('AWS::Events::Rule'))).toEqual(['MonthlyRuntimeCalculationRule']);
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'events.amazonaws.com',
    SourceArn: { 'Fn::GetAtt': ['MonthlyRuntimeCalculationRule', 'Arn'] },
  });
});

test('it may list servers, their Spot requests, their events and their samples, in this region', () => {
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        {
          Sid: 'ReadServersAndTheirEvents',
          Effect: 'Allow',
          Action: [
            'cloudtrail:LookupEvents',
            'cloudwatch:GetMetricData',
            'ec2:DescribeInstances',
            'ec2:DescribeSpotInstanceRequests',
          ],
          Resource: '*',
          Condition: { StringEquals: { 'aws:RequestedRegion': { Ref: 'AWS::Region' } } },
        },
      ]),
    },
  });
});

describe('alarm', () => {
  function alarm(name: string, properties: Record<string, unknown>): void {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `runtime-cache-test-${name}`,
      ...properties,
    });
  }

  test('calculation-errors: above 5 % of invocations', () => {
    alarm('calculation-errors', {
      Threshold: 5,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
      Metrics: [
        Match.objectLike({ Expression: '100 * errors / invocations', ReturnData: true }),
        sum('errors', 'Errors'),
        sum('invocations', 'Invocations'),
      ],
    });
  });

  function sum(id: string, metricName: string): unknown {
    return {
      Id: id,
      ReturnData: false,
      MetricStat: {
        Metric: { Namespace: 'AWS/Lambda', MetricName: metricName, Dimensions: dimensions },
        Period: 300,
        Stat: 'Sum',
      },
    };
  }

  test.each([
    ['calculation-duration', 'Duration', 'Maximum', 300, 1, 120_000, 'GreaterThanThreshold', 'ignore'],
    ['calculation-throttles', 'Throttles', 'Sum', 300, 1, 0, 'GreaterThanThreshold', 'notBreaching'],
    ['calculation-failing', 'Errors', 'Sum', 3600, 1, 3, 'GreaterThanOrEqualToThreshold', 'notBreaching'],
    ['calculation-not-running', 'Invocations', 'Sum', 3600, 2, 1, 'LessThanThreshold', 'breaching'],
  ])('%s: %s', (name, metric, statistic, period, periods, threshold, comparison, missing) => {
    alarm(name, {
      Namespace: 'AWS/Lambda',
      MetricName: metric,
      Dimensions: dimensions,
      Statistic: statistic,
      Period: period,
      EvaluationPeriods: periods,
      Threshold: threshold,
      ComparisonOperator: comparison,
      TreatMissingData: missing,
    });
  });

  test('calculation-dead-letters: any message waiting', () => {
    alarm('calculation-dead-letters', {
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'QueueName'] } },
      ],
      Statistic: 'Maximum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });

  test('calculation-server-errors: any that a run counted, until one counts none', () => {
    alarm('calculation-server-errors', {
      Namespace: 'runtime-cache/MonthlyRuntime',
      MetricName: 'ServerErrors',
      Dimensions: [{ Name: 'Environment', Value: 'test' }],
      Statistic: 'Sum',
      Period: 300,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    });
  });

  test.each([
    ['calculation-unreadable-records', 'UnreadableRecords', 'Sum'],
    ['calculation-restless-servers', 'RestlessServers', 'Maximum'],
    ['calculation-reports-overdue', 'ReportsOverdue', 'Maximum'],
    ['calculation-witness-disagreements', 'WitnessDisagreements', 'Sum'],
  ])('%s: any in the last hour, and the metric is there only where there are any', (name, metric, statistic) => {
    alarm(name, {
      Namespace: 'runtime-cache/MonthlyRuntime',
      MetricName: metric,
      Dimensions: [{ Name: 'Environment', Value: 'test' }],
      Statistic: statistic,
      Period: 3600,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
  });

  test('servers-table-throttles: any throttled request', () => {
    alarm('servers-table-throttles', { Threshold: 0, ComparisonOperator: 'GreaterThanThreshold' });
  });

  test('history-table-throttles: any throttled request', () => {
    alarm('history-table-throttles', { Threshold: 0, ComparisonOperator: 'GreaterThanThreshold' });
  });

  test('cache-stale: a cache older than three hours after a run', () => {
    alarm('cache-stale', {
      Namespace: 'runtime-cache/MonthlyRuntime',
      MetricName: 'OldestCacheAgeSeconds',
      Dimensions: [{ Name: 'Environment', Value: 'test' }],
      Statistic: 'Maximum',
      Threshold: 10_800,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    });
  });

  test('no other', () => {
    template.resourceCountIs('AWS::CloudWatch::Alarm', 14);
  });
});

test('metrics are those the handler emits, for this environment', () => {
  const metrics = [
    calculation.metricServersTotal(),
    calculation.metricServersProcessed(),
    calculation.metricServerErrors(),
    calculation.metricUnreadableRecords(),
    calculation.metricRestlessServers(),
    calculation.metricReportsOverdue(),
    calculation.metricWitnessDisagreements(),
    calculation.metricOldestCacheAge(),
    calculation.metricCloudTrailLookups(),
    calculation.metricCloudTrailThrottles(),
    calculation.metricFleetRunningMinutes(),
    calculation.metricScopesTotal(),
    calculation.metricScopesFailing(),
  ];
  expect(metrics.map(({ metricName, statistic }) => [metricName, statistic])).toEqual([
    ['ServersTotal', 'Maximum'],
    ['ServersProcessed', 'Sum'],
    ['ServerErrors', 'Sum'],
    ['UnreadableRecords', 'Sum'],
    ['RestlessServers', 'Maximum'],
    ['ReportsOverdue', 'Maximum'],
    ['WitnessDisagreements', 'Sum'],
    ['OldestCacheAgeSeconds', 'Maximum'],
    ['CloudTrailLookups', 'Sum'],
    ['CloudTrailThrottles', 'Sum'],
    ['FleetRunningMinutes', 'Maximum'],
    ['ScopesTotal', 'Maximum'],
    ['ScopesFailing', 'Maximum'],
  ]);
  for (const { namespace, dimensions: of } of metrics) {
    expect([namespace, of]).toEqual(['runtime-cache/MonthlyRuntime', { Environment: 'test' }]);
  }
});
