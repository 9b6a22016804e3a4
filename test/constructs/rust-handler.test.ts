import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { RustHandler } from '../../lib/constructs/rust-handler.ts';
import type { Environment } from '../../lib/settings.ts';
import { only, testEnvironment, testStack } from '../support/synth.ts';

/** What would be built, and with which flags; what cargo-lambda then does is its own affair. */
const built = vi.hoisted(() => ({ props: [] as Record<string, unknown>[] }));
vi.mock('cargo-lambda-cdk', async (original) => {
  const { RustFunction } = await original<typeof import('cargo-lambda-cdk')>();
  return {
    RustFunction: class extends RustFunction {
      constructor(...[scope, id, props]: ConstructorParameters<typeof RustFunction>) {
        super(scope, id, props);
        built.props.push({
          binaryName: props?.binaryName,
          manifestPath: props?.manifestPath,
          flags: props?.bundling?.cargoLambdaFlags,
          environment: props?.bundling?.environment,
        });
      }
    },
  };
});

beforeEach(() => {
  built.props.length = 0;
});

function synthesize(environment: Environment = testEnvironment()): Template {
  const stack = testStack();
  const handler = new RustHandler(stack, 'Handler', {
    environment,
    functionName: 'doSomething',
    binaryName: 'calculate-monthly-runtime',
    description: 'Does something',
    memorySize: 512,
    timeout: Duration.seconds(30),
    events: { maxAge: Duration.minutes(10) },
    variables: { COLOUR: 'red' },
  });
  handler.allow(new PolicyStatement({ actions: ['ec2:DescribeInstances'], resources: ['*'] }));
  expect(handler.attempts).toBe(3);
  return Template.fromStack(stack);
}

describe('the function', () => {
  test('is named after its environment, runs on Amazon Linux 2023, and logs JSON', () => {
    const template = synthesize();
    expect(Object.keys(template.findResources('AWS::Lambda::Function'))).toEqual(['doSomething']);
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'runtime-cache-test-doSomething',
      Runtime: 'provided.al2023',
      Handler: 'bootstrap',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 30,
      Environment: { Variables: { COLOUR: 'red' } },
      LoggingConfig: {
        LogFormat: 'JSON',
        ApplicationLogLevel: 'INFO',
        SystemLogLevel: 'INFO',
        LogGroup: Match.anyValue(),
      },
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  test('is for the architecture of its environment', () => {
    synthesize(testEnvironment({ architecture: 'x86_64' })).hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['x86_64'],
    });
  });

  test.each([
    {
      local: false,
      flags: ['--locked', '--disable-optimizations'],
      environment: { CARGO_TARGET_DIR: 'target/aws', CARGO_PROFILE_RELEASE_PANIC: 'abort' },
    },
    { local: true, flags: ['--locked', '--disable-optimizations', '--compiler', 'cargo'], environment: undefined },
  ])('is built from the workspace; local: $local', ({ local, flags, environment }) => {
    synthesize({ ...testEnvironment(), local });
    expect(built.props).toEqual([
      {
        binaryName: 'calculate-monthly-runtime',
        manifestPath: resolve(import.meta.dirname, '../../Cargo.toml'),
        flags,
        environment,
      },
    ]);
  });

  test('is retried twice when invoked asynchronously, and then leaves the event in the dead-letter queue', () => {
    const template = synthesize();
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: 'doSomething' },
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 600,
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      DeadLetterConfig: { TargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'Arn'] } },
    });
    expect(only(template, 'AWS::SQS::Queue')).toEqual({
      QueueName: 'runtime-cache-test-doSomethingDeadLetters',
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
  });
});

describe('the log group', () => {
  test.each([
    { production: true, policy: 'RetainExceptOnCreate' },
    { production: false, policy: 'Delete' },
  ])('keeps logs as long as set; production: $production', ({ production, policy }) => {
    synthesize(testEnvironment({ production, logRetentionDays: 30 })).hasResource('AWS::Logs::LogGroup', {
      Properties: { LogGroupName: '/aws/lambda/runtime-cache-test-doSomething', RetentionInDays: 30 },
      DeletionPolicy: policy,
    });
  });
});

test('the role may write its own logs and dead letters, what it is allowed, and nothing else', () => {
  const template = synthesize();
  expect(only(template, 'AWS::IAM::Role')).toEqual({
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
    },
    Description: 'What runtime-cache-test-doSomething may do',
  });
  const { Statement: statements } = only(template, 'AWS::IAM::Policy').PolicyDocument as {
    Statement: { Action: unknown }[];
  };
  expect(statements.map(({ Action }) => Action)).toEqual([
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    'sqs:SendMessage',
    'ec2:DescribeInstances',
  ]);
});
