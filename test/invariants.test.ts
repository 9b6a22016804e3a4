import { CfnDeletionPolicy, RemovalPolicy } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test } from 'vitest';
import { invariants } from './support/invariants.ts';
import {
  allResources,
  severalScopes,
  synthesize,
  synthesizeSpokes,
  testEnvironment,
  testStack,
  variants,
} from './support/synth.ts';

describe.each([...variants])('in the stack of %s', (_, environment) => {
  const template = synthesize(environment);

  test.each(Object.entries(invariants))('%s', (_name, problems) => {
    expect(problems(template)).toEqual([]);
  });
});

describe.each(synthesizeSpokes(testEnvironment(severalScopes)).map((template, n) => [n, template] as const))(
  'in the stack of spoke %i',
  (_, template) => {
    test.each(Object.entries(invariants))('%s', (_name, problems) => {
      expect(problems(template)).toEqual([]);
    });
  },
);

describe('a careless stack is found out:', () => {
  const stack = testStack();
  const careless = new LambdaFunction(stack, 'Careless', {
    runtime: Runtime.NODEJS_LATEST,
    handler: 'index.handler',
    code: Code.fromInline('none'),
    reservedConcurrentExecutions: 1,
  });
  careless.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }));
  new Alarm(stack, 'Mute', {
    metric: new Metric({ namespace: 'x', metricName: 'y' }),
    threshold: 1,
    evaluationPeriods: 1,
  });
  // A table is kept by default.
  new Table(stack, 'Left', { partitionKey: { name: 'id', type: AttributeType.STRING } });
  const template = Template.fromStack(stack);

  test.each(Object.entries(invariants))('%s', (_name, problems) => {
    expect(problems(template)).not.toEqual([]);
  });
});

test.each([
  { production: true, policy: 'RetainExceptOnCreate' },
  { production: false, policy: 'Delete' },
])(
  'with production: $production every table, log group and bucket has the policy $policy',
  ({ production, policy }) => {
    const data = allResources(synthesize(testEnvironment({ production }))).filter(([, { Type: type }]) =>
      ['AWS::DynamoDB::Table', 'AWS::Logs::LogGroup', 'AWS::S3::Bucket'].includes(String(type)),
    );
    expect(data.map(([id, { DeletionPolicy: deleted }]) => [id, deleted])).toEqual(data.map(([id]) => [id, policy]));
    expect(data).toHaveLength(6);
  },
);

describe('a policy that is wrong is found out:', () => {
  const keeps =
    'what a failed first creation made is deleted, so that it can be repeated; else what is kept is always kept';

  test.each([
    ['kept even then', CfnDeletionPolicy.RETAIN, CfnDeletionPolicy.RETAIN],
    ['kept on replacement only', CfnDeletionPolicy.DELETE, CfnDeletionPolicy.RETAIN],
    ['kept, but not on replacement', CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE, CfnDeletionPolicy.DELETE],
  ])('%s', (_, deleted, replaced) => {
    const stack = testStack();
    const group = new CfnLogGroup(stack, 'Group');
    group.cfnOptions.deletionPolicy = deleted;
    group.cfnOptions.updateReplacePolicy = replaced;
    expect(invariants[keeps]?.(Template.fromStack(stack))).toHaveLength(1);
  });

  test('a table that DynamoDB would not delete', () => {
    const stack = testStack();
    const removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    new Table(stack, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      removalPolicy,
      deletionProtection: true,
    });
    expect(invariants[keeps]?.(Template.fromStack(stack))).toEqual([expect.stringContaining('protected')]);
  });
});
