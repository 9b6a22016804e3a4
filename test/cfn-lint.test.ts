import type { Template } from 'aws-cdk-lib/assertions';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { severalScopes, synthesize, synthesizeSpokes, testEnvironment, variants } from './support/synth.ts';

const CFN_LINT = resolve(import.meta.dirname, '../.venv/bin/cfn-lint');

/** A function waits for its role's policy, which the CDK says by naming the role once more. */
const IGNORED = ['W3005'];

const directory = mkdtempSync(join(tmpdir(), 'cfn-lint-'));

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What cfn-lint finds in templates. */
function findings(templates: readonly Template[]): string {
  const files = templates.map((template, index) => {
    const file = join(directory, `${index}.template.json`);
    writeFileSync(file, JSON.stringify(template.toJSON()));
    return file;
  });
  const { stdout, stderr, error } = spawnSync(CFN_LINT, ['--ignore-checks', ...IGNORED, '--', ...files], {
    encoding: 'utf8',
  });
  if (error) throw new Error(`${CFN_LINT}: ${error.message}: node test/local-aws/setup.mjs installs it`);
  return stdout + stderr;
}

test('CloudFormation would take every stack', () => {
  const hubs = [...variants.values()].map((environment) => synthesize(environment));
  const spokes = synthesizeSpokes(testEnvironment({ ...severalScopes, organizationId: 'o-a1b2c3d4e5' }));
  expect(findings([...hubs, ...spokes])).toBe('');
});

test('a property that is none is found', () => {
  const template = {
    toJSON: () => ({ Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Colour: 'red' } } } }),
  };
  expect(findings([template as unknown as Template])).toContain("'Colour' was unexpected");
});
