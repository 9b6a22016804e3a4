import { Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { RustHandler } from '../lib/constructs/rust-handler.ts';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { testApp, variants } from './support/synth.ts';

/** The rules that are suppressed anywhere in a tree, with where and why. */
function suppressions(root: IConstruct): { path: string; rule: string; reason: string }[] {
  return root.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([rule, reason]) => ({ path: node.path, rule: rule.replace(/^annotation::/i, ''), reason })),
  );
}

function violations(root: IConstruct): string[] {
  return new AwsSolutionsChecks().validateScope(root).violations.map(({ ruleName }) => ruleName);
}

describe.each([...variants])('%s', (_, environment) => {
  const stack = new RuntimeCacheStack(testApp(), environment);

  test('follows the rules of AWS Solutions', () => {
    expect(violations(stack)).toEqual([]);
  });

  test('suppresses only the rule on wildcards, once a function, for the actions that know no resources, and says so', () => {
    expect(suppressions(stack)).toEqual(
      ['Calculation', 'EventResponse'].map((construct) => ({
        path: `${stack.stackName}/${construct}`,
        rule: 'AwsSolutions-IAM5[Resource::*]',
        reason: expect.stringContaining('support no resource-level permissions') as unknown,
      })),
    );
  });

  test('is checked for real: one more wildcard is one violation', () => {
    const careless = new RuntimeCacheStack(testApp(), environment);
    const handler = careless.node.findAll().find((node) => node instanceof RustHandler);
    handler?.allow(new PolicyStatement({ actions: ['s3:*'], resources: ['arn:aws:s3:::bucket'] }));
    expect(violations(careless)).toEqual(['AwsSolutions-IAM5[Action::s3:*]']);
  });
});
