import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime, type FunctionOptions } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { expect, test, vi } from 'vitest';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { testApp, testEnvironment } from './support/synth.ts';

// The stack is to be one that is built, without building the handlers.
vi.mock('cargo-lambda-cdk', () => ({
  RustFunction: class extends LambdaFunction {
    constructor(scope: Construct, id: string, { functionName = id, role }: FunctionOptions) {
      const code = Code.fromInline('none');
      super(scope, id, {
        functionName,
        runtime: Runtime.NODEJS_LATEST,
        handler: 'index.handler',
        code,
        ...(role ? { role } : {}),
      });
    }
  },
}));

const placeholders = { alarmSubscribers: ['operators@example.com'], runbookUrl: 'https://example.com/RUNBOOK.md' };

test('production with placeholders is refused by CloudFormation, with the sentence', () => {
  const stack = new RuntimeCacheStack(testApp(['**']), testEnvironment({ ...placeholders, production: true }));
  Template.fromStack(stack).templateMatches({
    Rules: {
      PlaceholdersAreReplaced: {
        Assertions: [
          {
            Assert: { 'Fn::Equals': ['placeholders', 'replaced'] },
            AssertDescription:
              'Environment "test": setting "alarmSubscribers" still holds the placeholder "operators@example.com"; ' +
              'Environment "test": setting "runbookUrl" still holds the placeholder "https://example.com/RUNBOOK.md"; ' +
              'replace it in lib/environments.ts.',
          },
        ],
      },
    },
  });
});

test('outside production, placeholders are warned of where the stack is built for deployment', () => {
  const stack = new RuntimeCacheStack(testApp(['**']), testEnvironment(placeholders));
  expect(Template.fromStack(stack).toJSON().Rules).not.toHaveProperty('PlaceholdersAreReplaced');
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
