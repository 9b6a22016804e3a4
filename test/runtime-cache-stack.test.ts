import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { environments } from '../lib/environments.ts';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { resolveEnvironments } from '../lib/settings.ts';
import { synthesize, testApp, testEnvironment } from './support/synth.ts';

describe('snapshot', () => {
  test.each(resolveEnvironments(environments))('of $name', async (environment) => {
    const template = `${JSON.stringify(synthesize(environment).toJSON(), null, 2)}\n`;
    await expect(template).toMatchFileSnapshot(`snapshots/runtime-cache-${environment.name}.template.json`);
  });
});

test('the stack is named after app and environment, and lives where its settings say', () => {
  const stack = new RuntimeCacheStack(testApp(), testEnvironment({ account: '123456789012', region: 'eu-central-1' }));
  expect(stack.stackName).toBe('runtime-cache-test');
  expect(stack.environment).toBe('aws://123456789012/eu-central-1');
});

test('without account and region the stack goes where the credentials point', () => {
  const stack = new RuntimeCacheStack(testApp(), testEnvironment());
  expect(stack.environment).toBe('aws://unknown-account/unknown-region');
});

test.each([true, false])('production: %s is what protects the stack from being deleted', (production) => {
  expect(new RuntimeCacheStack(testApp(), testEnvironment({ production })).terminationProtection).toBe(production);
});

test('outputs name what an operator looks for next', () => {
  expect(synthesize(testEnvironment()).toJSON().Outputs).toEqual({
    CalculateMonthlyRuntimeName: { Value: { Ref: 'calculateMonthlyRuntime' } },
    EventResponseName: { Value: { Ref: 'eventResponse' } },
    FleetReportName: { Value: { Ref: 'fleetReport' } },
    DashboardUrl: { Value: expect.anything() as unknown },
    ServersTableName: { Value: { Ref: 'ServersTable' } },
    RuntimeHistoryTableName: { Value: { Ref: 'RuntimeHistoryTable' } },
    ReportsBucketName: { Value: { Ref: 'ReportsBucket' } },
    AlarmTopicArn: { Value: { Ref: 'AlarmTopic' } },
  });
});

describe('placeholders', () => {
  const placeholders = { alarmSubscribers: ['operators@example.com'], runbookUrl: 'https://example.com/RUNBOOK.md' };

  test('do no harm where production is only checked', () => {
    const environment = testEnvironment({ ...placeholders, production: true });
    expect(synthesize(environment).toJSON().Rules).not.toHaveProperty('PlaceholdersAreReplaced');
  });

  test('are not even warned of while nothing is built', () => {
    const stack = new RuntimeCacheStack(testApp(), testEnvironment(placeholders));
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });
});
