import { Duration, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import type { RustHandler } from '../../lib/constructs/rust-handler.ts';
import { RuntimeHistoryTable } from '../../lib/constructs/runtime-history-table.ts';
import { rustSource } from '../support/rust-sources.ts';
import { testEnvironment, testStack } from '../support/synth.ts';

function build(production = false): { stack: Stack; table: RuntimeHistoryTable } {
  const stack = testStack();
  return { stack, table: new RuntimeHistoryTable(stack, 'History', testEnvironment({ production })) };
}

test('there is an item per server and month, recoverable to any point in time, and an index from scope and month to servers', () => {
  Template.fromStack(build().stack).hasResourceProperties('AWS::DynamoDB::Table', {
    TableName: 'runtime-cache-test-RuntimeHistoryTable',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'id', KeyType: 'HASH' },
      { AttributeName: 'month', KeyType: 'RANGE' },
    ],
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    GlobalSecondaryIndexes: [
      {
        IndexName: 'scopeMonth',
        KeySchema: [
          { AttributeName: 'scopeMonth', KeyType: 'HASH' },
          { AttributeName: 'id', KeyType: 'RANGE' },
        ],
        Projection: {
          ProjectionType: 'INCLUDE',
          NonKeyAttributes: ['minutes', 'uncertainty', 'asOf', 'final', 'leftAt'],
        },
      },
    ],
  });
});

test.each([
  { production: true, deleted: 'RetainExceptOnCreate', replaced: 'Retain' },
  { production: false, deleted: 'Delete', replaced: 'Delete' },
])('with production: $production it is kept: $production', ({ production, deleted, replaced }) => {
  Template.fromStack(build(production).stack).hasResource('AWS::DynamoDB::Table', {
    Properties: { DeletionProtectionEnabled: Match.absent() },
    DeletionPolicy: deleted,
    UpdateReplacePolicy: replaced,
  });
});

describe('access', () => {
  test('is to read and to update items, and to query the index; nothing is deleted or replaced whole', () => {
    const { stack, table } = build();
    const allowed: PolicyStatement[] = [];
    const handler = { allow: (statement: PolicyStatement) => allowed.push(statement) } as unknown as RustHandler;
    table.allowKeepingHistory(handler);
    table.allowListingServers(handler);
    const arn = { 'Fn::GetAtt': ['RuntimeHistoryTable', 'Arn'] };
    expect(allowed.map((statement) => stack.resolve(statement.toStatementJson()) as unknown)).toEqual([
      {
        Sid: 'KeepHistory',
        Effect: 'Allow',
        Action: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'],
        Resource: arn,
      },
      {
        Sid: 'ListServersOfMonth',
        Effect: 'Allow',
        Action: 'dynamodb:Query',
        Resource: { 'Fn::Join': ['', [arn, '/index/scopeMonth']] },
      },
    ]);
  });

  test('the index has the attributes that the adapter reads of it', () => {
    const adapter = rustSource(/\/(history|ledger)_table\/item\.rs$/);
    const named = [...adapter.matchAll(/pub\(crate\) const \w+: &str = "(\w+)";/g)].map(([, name]) => name);
    expect(named).toEqual(expect.arrayContaining(['minutes', 'uncertainty', 'asOf', 'final', 'leftAt']));
  });
});

test('throttled requests are those of every operation the policy allows', () => {
  const expression = build().table.metricThrottledRequests({ period: Duration.minutes(5) });
  expect(expression.expression).toBe(
    ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem'].map((name) => `FILL(throttled${name}, 0)`).join(' + '),
  );
});
