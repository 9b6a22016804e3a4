import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { expect, test, vi } from 'vitest';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { testApp, testEnvironment } from './support/synth.ts';

// The stack is to be one that is built, without building the handlers.
vi.mock('../lib/constructs/monthly-runtime-calculation.ts', () => ({
  MonthlyRuntimeCalculation: class extends Construct {
    readonly function = { functionName: 'none' };
  },
}));

test('outside production, placeholders are warned of where the stack is built for deployment', () => {
  const settings = { alarmSubscribers: ['operators@example.com'], runbookUrl: 'https://example.com/RUNBOOK.md' };
  const stack = new RuntimeCacheStack(testApp(['**']), testEnvironment(settings));
  const warnings = Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => entry.data);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^Environment "test": setting "alarmSubscribers" still holds the placeholder "operators@example.com"\./,
    ),
    expect.stringMatching(
      /^Environment "test": setting "runbookUrl" still holds the placeholder "https:\/\/example.com\/RUNBOOK.md"\./,
    ),
  ]);
});

test('real values are not', () => {
  const stack = new RuntimeCacheStack(testApp(['**']), testEnvironment({ alarmSubscribers: ['operators@wiki.test'] }));
  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
});
