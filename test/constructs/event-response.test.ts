import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { EventResponse } from '../../lib/constructs/event-response.ts';
import { OperatorAlarms } from '../../lib/constructs/operator-alarms.ts';
import { RuntimeHistoryTable } from '../../lib/constructs/runtime-history-table.ts';
import { ServersTable } from '../../lib/constructs/servers-table.ts';
import type { EnvironmentSettings } from '../../lib/settings.ts';
import { testEnvironment, testStack } from '../support/synth.ts';

function build(changes: Partial<EnvironmentSettings> = {}): {
  stack: Stack;
  response: EventResponse;
  template: Template;
} {
  const stack = testStack();
  const environment = testEnvironment({ tagAppKey: 'Project', tagAppValue: 'fleet', ...changes });
  const response = new EventResponse(stack, 'EventResponse', {
    environment,
    serversTable: new ServersTable(stack, 'Servers', environment),
    historyTable: new RuntimeHistoryTable(stack, 'History', environment),
    alarms: new OperatorAlarms(stack, 'Alarms', {
      environment: 'test',
      subscribers: [],
      runbookUrl: 'https://wiki.test/',
    }),
  });
  return { stack, response, template: Template.fromStack(stack) };
}

let stack: Stack;
let response: EventResponse;
let template: Template;

beforeAll(() => {
  ({ stack, response, template } = build());
});

const VARIABLES = {
  APP_NAME: 'runtime-cache',
  ENVIRONMENT: 'test',
  SERVERS_TABLE_NAME: { Ref: 'ServersTable' },
  RUNTIME_HISTORY_TABLE_NAME: { Ref: 'RuntimeHistoryTable' },
  TAG_APP_KEY: 'Project',
  TAG_APP_VALUE: 'fleet',
  HOME_ACCOUNT: { Ref: 'AWS::AccountId' },
};

test('the function knows its servers and tables, and uses a cached value whatever its age', () => {
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'runtime-cache-test-eventResponse',
    Timeout: 60,
    Environment: { Variables: Match.objectEquals(VARIABLES) },
  });
});

test('a maximum age is handed to the function where one is set', () => {
  build({ cacheMaxAgeHours: 1.5 }).template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectEquals({ ...VARIABLES, CACHE_MAX_AGE_HOURS: '1.5' }) },
  });
});

test('every state change of an instance of the region starts it, and undeliverable events become dead letters', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    Name: 'runtime-cache-test-ServerStateChangeRule',
    EventPattern: {
      source: ['aws.ec2'],
      'detail-type': ['EC2 Instance State-change Notification'],
      region: [{ Ref: 'AWS::Region' }],
    },
    State: 'ENABLED',
    Targets: [
      Match.objectLike({
        Arn: { 'Fn::GetAtt': ['eventResponse', 'Arn'] },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'Arn'] } },
        RetryPolicy: { MaximumEventAgeInSeconds: 21_600 },
      }),
    ],
  });
  expect(Object.keys(template.findResources('AWS::Events::Rule'))).toEqual(['ServerStateChangeRule']);
});

test('what it answers goes to the default event bus, where applications subscribe', () => {
  const bus = {
    'Fn::Join': [
      '',
      [
        'arn:',
        { Ref: 'AWS::Partition' },
        ':events:',
        { Ref: 'AWS::Region' },
        ':',
        { Ref: 'AWS::AccountId' },
        ':event-bus/default',
      ],
    ],
  };
  template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    MaximumRetryAttempts: 2,
    MaximumEventAgeInSeconds: 21_600,
    DestinationConfig: { OnSuccess: { Destination: bus } },
  });
});

test('it may do what it needs, and no more', () => {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')) as unknown as {
    Properties: { PolicyDocument: { Statement: { Action: string | string[] }[] } };
  }[];
  const actions = policies.flatMap(({ Properties }) =>
    Properties.PolicyDocument.Statement.flatMap(({ Action }) => Action),
  );
  expect([...new Set(actions)].sort()).toEqual([
    'cloudtrail:LookupEvents',
    'dynamodb:BatchGetItem',
    'dynamodb:GetItem',
    'dynamodb:UpdateItem',
    'ec2:DescribeInstances',
    'ec2:DescribeSpotInstanceRequests',
    'events:PutEvents',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'sqs:SendMessage',
  ]);
});

test.each([
  ['event-response-duration', 'Duration', 20_000],
  ['event-response-throttles', 'Throttles', 0],
])('alarm %s: %s', (name, metric, threshold) => {
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: `runtime-cache-test-${name}`,
    MetricName: metric,
    Threshold: threshold,
    Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'eventResponse' } }],
  });
});

test.each(['event-response-errors', 'event-response-dead-letters'])('alarm %s', (name) => {
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: `runtime-cache-test-${name}` });
});

test('its metrics are those that the function emits', () => {
  const metrics = [
    response.metricCacheHits(),
    response.metricCacheMisses(),
    response.metricLateEvents(),
    response.metricEventsDeferred(),
  ];
  expect(metrics.map(({ namespace, metricName, dimensions }) => ({ namespace, metricName, dimensions }))).toEqual(
    ['CacheHits', 'CacheMisses', 'LateEvents', 'EventsDeferred'].map((metricName) => ({
      namespace: 'runtime-cache/MonthlyRuntime',
      metricName,
      dimensions: { Environment: 'test' },
    })),
  );
  expect(stack.resolve(response.function.functionName)).toEqual({ Ref: 'eventResponse' });
});
