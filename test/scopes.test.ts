import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { furtherScopes, scopesVariable } from '../lib/scopes.ts';
import { SpokeStack } from '../lib/spoke-stack.ts';
import {
  only,
  resources,
  severalScopes,
  synthesize,
  synthesizeSpokes,
  testApp,
  testEnvironment,
} from './support/synth.ts';

const environment = testEnvironment({ ...severalScopes, organizationId: 'o-a1b2c3d4e5' });
const hub = synthesize(environment);

function spokes() {
  const app = testApp();
  return furtherScopes(environment).map((scope) => new SpokeStack(app, environment, scope));
}

describe('a variable has accounts by the regions that are counted in them:', () => {
  test.each([
    [[], ''],
    [[{ account: '2', region: 'b' }], 'b=2'],
    [
      [
        { account: '3', region: 'b' },
        { account: '2', region: 'b' },
        { account: '2', region: 'a' },
        { account: '4', region: 'b' },
      ],
      'a,b=2;b=3,4',
    ],
  ])('%j', (scopes, expected) => {
    expect(scopesVariable(scopes)).toBe(expected);
  });
});

describe('CloudWatch', () => {
  const mayBeAsked = (changes: { askCloudWatch: boolean }) => {
    const asked = testEnvironment({ ...severalScopes, ...changes });
    const templates = [synthesize(asked), ...synthesizeSpokes(asked)];
    return templates.map((template) => JSON.stringify(template.toJSON()).includes('cloudwatch:GetMetricData"'));
  };

  test('may be asked by the hub, and in another account by its reader', () => {
    expect(mayBeAsked({ askCloudWatch: true })).toEqual([true, false, true, false]);
  });

  test('may be asked by nobody where that is turned off', () => {
    expect(mayBeAsked({ askCloudWatch: false })).toEqual([false, false, false, false]);
  });
});

describe('the hub', () => {
  test.each(['calculateMonthlyRuntime', 'eventResponse'])(
    'tells %s its scopes, under a name that they trust',
    (name) => {
      hub.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: `runtime-cache-test-${name}`,
        Environment: {
          Variables: Match.objectLike({
            HOME_ACCOUNT: '111122223333',
            FURTHER_SCOPES: 'eu-west-1,us-east-1=222233334444;us-east-1=111122223333',
            READER_ROLE_NAME: 'runtime-cache-test-reader',
          }),
        },
      });
      hub.hasResourceProperties('AWS::IAM::Role', { RoleName: `runtime-cache-test-${name}` });
    },
  );

  test('lets both functions become the reader of just the accounts that are counted, and read its own other region', () => {
    const statement = (sid: string) =>
      resources(hub, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
        (Properties.PolicyDocument as { Statement: { Sid: string }[] }).Statement.filter(({ Sid }) => Sid === sid),
      );
    const become = {
      Sid: 'BecomeReader',
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Resource: 'arn:aws:iam::222233334444:role/runtime-cache-test-reader',
    };
    expect(statement('BecomeReader')).toEqual([become, become]);
    expect(statement('ReadServersAndTheirEvents')).toEqual(
      Array.from(
        { length: 2 },
        () =>
          expect.objectContaining({
            Condition: { StringEquals: { 'aws:RequestedRegion': [{ Ref: 'AWS::Region' }, 'us-east-1'] } },
          }) as unknown,
      ),
    );
  });

  test('starts a state machine every hour instead of the function', () => {
    hub.hasResourceProperties('AWS::Events::Rule', {
      Name: 'runtime-cache-test-MonthlyRuntimeCalculationRule',
      ScheduleExpression: 'rate(1 hour)',
      Targets: [Match.objectLike({ Arn: { Ref: 'ScopesRun' }, DeadLetterConfig: Match.anyValue() })],
    });
  });

  test('calculates each scope on its own, and sums them up', () => {
    const { DefinitionString: definition, StateMachineName: name } = only(hub, 'AWS::StepFunctions::StateMachine');
    const [, parts] = (definition as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
    const text = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part).replaceAll('"', "'")));
    expect(name).toBe('runtime-cache-test-monthlyRuntimeCalculation');
    expect(JSON.parse(text.join(''))).toMatchSnapshot();
  });

  test('lets the state machine invoke the one function, and follow its own children', () => {
    const policy = resources(hub, 'AWS::IAM::Policy').find(([id]) => id.startsWith('CalculationScopesRole'));
    const { Statement: statements } = policy?.[1].Properties.PolicyDocument as { Statement: Record<string, unknown>[] };
    expect(statements.map(({ Action: action }) => action)).toEqual([
      'lambda:InvokeFunction',
      'states:StartExecution',
      ['states:DescribeExecution', 'states:StopExecution'],
    ]);
    expect(statements[0]?.Resource).toEqual({ 'Fn::GetAtt': ['calculateMonthlyRuntime', 'Arn'] });
    expect(JSON.stringify(statements[1]?.Resource)).toContain(
      'stateMachine:runtime-cache-test-monthlyRuntimeCalculation',
    );
  });

  test('has a bus that takes events of the other account only, and a rule for its scopes', () => {
    hub.hasResourceProperties('AWS::Events::EventBus', { Name: 'runtime-cache-test' });
    const policies = resources(hub, 'AWS::Events::EventBusPolicy');
    expect(policies.map(([, { Properties }]) => Properties)).toEqual([
      {
        EventBusName: { Ref: 'SpokesBus' },
        StatementId: 'TakeStateChangesOfSpokes',
        Statement: {
          Sid: 'TakeStateChangesOfSpokes',
          Effect: 'Allow',
          Action: 'events:PutEvents',
          Principal: { AWS: 'arn:aws:iam::222233334444:root' },
          Resource: { 'Fn::GetAtt': ['SpokesBus', 'Arn'] },
        },
      },
    ]);
    hub.hasResourceProperties('AWS::Events::Rule', {
      Name: 'runtime-cache-test-SpokesStateChangeRule',
      EventBusName: { Ref: 'SpokesBus' },
      EventPattern: {
        source: ['aws.ec2'],
        'detail-type': ['EC2 Instance State-change Notification'],
        account: ['111122223333', '222233334444'],
        region: ['us-east-1', 'eu-west-1'],
      },
    });
  });

  test.each([
    ['scopes-failing', 'ScopesFailing'],
    ['scopes-run-not-running', 'ExecutionsStarted'],
  ])('alarms on %s', (name, metric) => {
    hub.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `runtime-cache-test-${name}`,
      MetricName: metric,
    });
  });

  test('alarms on runs that fail, and on errors only where most scopes fail for hours', () => {
    hub.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'runtime-cache-test-scopes-run-failing',
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'failed + timedOut + aborted' })]),
    });
    hub.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'runtime-cache-test-calculation-errors',
      Threshold: 50,
      EvaluationPeriods: 3,
    });
  });

  test('is a stack like any other where there is the home scope alone', () => {
    const alone = synthesize(testEnvironment());
    for (const type of ['AWS::StepFunctions::StateMachine', 'AWS::Events::EventBus', 'AWS::Events::EventBusPolicy']) {
      alone.resourceCountIs(type, 0);
    }
    expect(JSON.stringify(alone.toJSON())).not.toContain('RoleName"');
  });
});

describe('the spokes', () => {
  const stacks = spokes();
  const templates = stacks.map((stack) => Template.fromStack(stack));

  test('are one stack a scope, where it is', () => {
    expect(stacks.map(({ stackName, environment: place }) => [stackName, place])).toEqual([
      ['runtime-cache-test-spoke-111122223333-us-east-1', 'aws://111122223333/us-east-1'],
      ['runtime-cache-test-spoke-222233334444-eu-west-1', 'aws://222233334444/eu-west-1'],
      ['runtime-cache-test-spoke-222233334444-us-east-1', 'aws://222233334444/us-east-1'],
    ]);
  });

  test('have the reader role once an account, and none in the home account', () => {
    const readers = templates.map((template) =>
      template.findResources('AWS::IAM::Role', { Properties: { RoleName: 'runtime-cache-test-reader' } }),
    );
    expect(readers.map((roles) => Object.keys(roles).length)).toEqual([0, 1, 0]);
  });

  test.each([0, 1, 2])('follow the rules of AWS Solutions: %i', (n) => {
    const stack = spokes()[n];
    if (!stack) throw new Error('three spokes');
    expect(new AwsSolutionsChecks().validateScope(stack).violations.map(({ ruleName }) => ruleName)).toEqual([]);
  });

  test('of an account look like this', () => {
    expect(templates[1]?.toJSON()).toMatchSnapshot();
  });
});
