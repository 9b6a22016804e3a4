import { Template } from 'aws-cdk-lib/assertions';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { invariants } from './support/invariants.ts';
import { synthesize, testStack, variants } from './support/synth.ts';

describe.each([...variants])('in the stack of %s', (_, environment) => {
  const template = synthesize(environment);

  test.each(Object.entries(invariants))('%s', (_name, problems) => {
    expect(problems(template)).toEqual([]);
  });
});

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
  const template = Template.fromStack(stack);

  test.each(Object.entries(invariants))('%s', (_name, problems) => {
    expect(problems(template)).not.toEqual([]);
  });
});
