import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import type { RustHandler } from '../../lib/constructs/rust-handler.ts';
import { ServersTable } from '../../lib/constructs/servers-table.ts';
import type { EnvironmentSettings } from '../../lib/settings.ts';
import { rustSource } from '../support/rust-sources.ts';
import { testEnvironment, testStack } from '../support/synth.ts';

function build(changes: Partial<EnvironmentSettings> = {}): { stack: Stack; table: ServersTable } {
  const stack = testStack();
  return { stack, table: new ServersTable(stack, 'Servers', testEnvironment(changes)) };
}

describe('a created table', () => {
  test('is on demand, keyed by id, recoverable to any point in time and named after its environment', () => {
    Template.fromStack(build().stack).hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'runtime-cache-test-ServersTable',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  test.each([
    { production: true, deleted: 'RetainExceptOnCreate', replaced: 'Retain' },
    { production: false, deleted: 'Delete', replaced: 'Delete' },
  ])('with production: $production is kept: $production', ({ production, deleted, replaced }) => {
    Template.fromStack(build({ production }).stack).hasResource('AWS::DynamoDB::Table', {
      Properties: { DeletionProtectionEnabled: Match.absent() },
      DeletionPolicy: deleted,
      UpdateReplacePolicy: replaced,
    });
  });
});

test('an existing table is used as it is', () => {
  const { stack, table } = build({ serversTable: { existingName: 'TheirServers' } });
  expect(table.tableName).toBe('TheirServers');
  Template.fromStack(stack).resourceCountIs('AWS::DynamoDB::Table', 0);
});

describe('access to the cache', () => {
  /** The statements that a function gets, with what stands for the table. */
  function statements(changes: Partial<EnvironmentSettings> = {}, ofOne = false): unknown[] {
    const { stack, table } = build(changes);
    const allowed: PolicyStatement[] = [];
    const handler = { allow: (statement: PolicyStatement) => allowed.push(statement) } as unknown as RustHandler;
    if (ofOne) table.allowCacheAccessToOne(handler);
    else table.allowCacheAccessToFleet(handler);
    return allowed.map((statement) => stack.resolve(statement.toStatementJson()) as unknown);
  }

  const attributes = [
    'id',
    'runningMinutesCache',
    'runningMinutesCacheTimestamp',
    'runningMinutesCacheMonth',
    'runningMinutesUncertainty',
    'runningSince',
    'runningMinutesRevision',
  ];

  test('a function that answers for one server reads single items, under the same conditions', () => {
    const ofFleet = JSON.stringify(statements());
    expect(JSON.stringify(statements({}, true))).toBe(ofFleet.replace('dynamodb:BatchGetItem', 'dynamodb:GetItem'));
  });

  test("reads and updates the cache's attributes of single items, and no more", () => {
    expect(statements()).toEqual([
      {
        Sid: 'ReadCacheAttributes',
        Effect: 'Allow',
        Action: 'dynamodb:BatchGetItem',
        Resource: { 'Fn::GetAtt': ['ServersTable', 'Arn'] },
        Condition: {
          'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes },
          StringEqualsIfExists: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
        },
      },
      {
        Sid: 'WriteCacheAttributes',
        Effect: 'Allow',
        Action: 'dynamodb:UpdateItem',
        Resource: { 'Fn::GetAtt': ['ServersTable', 'Arn'] },
        Condition: {
          'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes },
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
        },
      },
    ]);
  });

  test('names exactly the attributes that the adapter names', () => {
    const named = [...rustSource(/\/servers_table\.rs$/).matchAll(/^const \w+: &str = "(\w+)";$/gm)].map(
      ([, name]) => name,
    );
    expect(named.sort()).toEqual([...attributes].sort());
  });

  test('is to the existing table where there is one', () => {
    const arns = JSON.stringify(statements({ serversTable: { existingName: 'TheirServers' } }));
    expect(arns.match(/:table\/TheirServers"/g)).toHaveLength(2);
  });
});

test('throttled requests are those of every operation the policy allows', () => {
  const { stack, table } = build();
  const expression = table.metricThrottledRequests({ period: Duration.minutes(5) });
  expect(expression.expression).toBe(
    'FILL(throttledUpdateItem, 0) + FILL(throttledBatchGetItem, 0) + FILL(throttledGetItem, 0)',
  );
  const metrics = Object.values(expression.usingMetrics).map(
    (metric) => stack.resolve(metric.toMetricConfig()) as unknown,
  );
  expect(metrics).toEqual(
    ['UpdateItem', 'BatchGetItem', 'GetItem'].map((operation) => ({
      metricStat: expect.objectContaining({
        namespace: 'AWS/DynamoDB',
        metricName: 'ThrottledRequests',
        statistic: 'Sum',
        dimensions: [
          { name: 'Operation', value: operation },
          { name: 'TableName', value: { Ref: 'ServersTable' } },
        ],
      }) as unknown,
      renderingProperties: expect.anything() as unknown,
    })),
  );
});
