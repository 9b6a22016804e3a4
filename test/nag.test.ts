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

  test('suppresses only rules on wildcards that nothing can narrow, on the log of a bucket, and with several scopes on their state machine', () => {
    expect(suppressions(stack)).toEqual(
      expect.arrayContaining(
        ['Calculation', 'EventResponse'].map((construct) => ({
          path: `${stack.stackName}/${construct}`,
          rule: 'AwsSolutions-IAM5[Resource::*]',
          reason: expect.stringContaining('support no resource-level permissions') as unknown,
        })),
      ),
    );
    const others = suppressions(stack).filter(({ rule }) => rule !== 'AwsSolutions-IAM5[Resource::*]');
    const ofReports = [/IAM5\[Resource::<ReportsBucket.Arn>\/reports\/\*\]$/, /S1$/];
    const ofScopesRun = [/IAM5\[.*:execution:.*\/\*:\*\]$/, /IAM5\[.*:execution:[^/]*:\*\]$/, /SF1$/, /SF2$/];
    const expected = environment.scopes.length > 0 ? [...ofScopesRun, ...ofReports] : ofReports;
    expect(others).toHaveLength(expected.length);
    for (const pattern of expected) expect(others.filter(({ rule }) => pattern.test(rule))).toHaveLength(1);
  });

  test('is checked for real: one more wildcard is one violation', () => {
    const careless = new RuntimeCacheStack(testApp(), environment);
    const handler = careless.node.findAll().find((node) => node instanceof RustHandler);
    handler?.allow(new PolicyStatement({ actions: ['s3:*'], resources: ['arn:aws:s3:::bucket'] }));
    expect(violations(careless)).toEqual(['AwsSolutions-IAM5[Action::s3:*]']);
  });
});
