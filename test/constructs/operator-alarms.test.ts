import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import { OperatorAlarms } from '../../lib/constructs/operator-alarms.ts';
import { only, resources, testStack } from '../support/synth.ts';

const runbookUrl = 'https://wiki.test/RUNBOOK.md';
const metric = new Metric({ namespace: 'test', metricName: 'Smoke', period: Duration.minutes(5) });

function synthesize(subscribers: readonly string[] = []): Template {
  const stack = testStack();
  const alarms = new OperatorAlarms(stack, 'Alarms', { environment: 'test', subscribers, runbookUrl });
  alarms.add('smoke', { meaning: 'There is smoke.', metric, threshold: 3 });
  return Template.fromStack(stack);
}

describe('the topic', () => {
  test('has mail addresses and HTTPS URLs as subscribers', () => {
    const template = synthesize(['operators@wiki.test', 'https://pager.test/hook']);
    const subscriptions = resources(template, 'AWS::SNS::Subscription').map(([, { Properties }]) => Properties);
    expect(subscriptions).toEqual([
      { Protocol: 'email', Endpoint: 'operators@wiki.test', TopicArn: { Ref: 'AlarmTopic' } },
      { Protocol: 'https', Endpoint: 'https://pager.test/hook', TopicArn: { Ref: 'AlarmTopic' } },
    ]);
  });

  test('has none where none are set', () => {
    synthesize().resourceCountIs('AWS::SNS::Subscription', 0);
  });

  test("takes messages from this environment's alarms, and over TLS only", () => {
    const { Statement: statements } = only(synthesize(), 'AWS::SNS::TopicPolicy').PolicyDocument as {
      Statement: unknown[];
    };
    expect(statements).toHaveLength(2);
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Deny',
        Principal: '*',
        Action: 'sns:Publish',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    );
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: { Ref: 'AlarmTopic' },
      }),
    );
    const condition = JSON.stringify(statements);
    expect(condition).toContain('"StringEquals":{"aws:SourceAccount":{"Ref":"AWS::AccountId"}}');
    expect(condition).toContain(':alarm:runtime-cache-test-*');
  });
});

test('an alarm has a name, a meaning, a link to its runbook heading and the topic as its action', () => {
  synthesize().hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: 'runtime-cache-test-smoke',
    AlarmDescription: `There is smoke. Runbook: ${runbookUrl}#smoke`,
    AlarmActions: [{ Ref: 'AlarmTopic' }],
    ActionsEnabled: Match.absent(),
    MetricName: 'Smoke',
    Threshold: 3,
    ComparisonOperator: 'GreaterThanThreshold',
    EvaluationPeriods: 1,
    TreatMissingData: 'notBreaching',
  });
});
