import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runbookHeading } from './support/invariants.ts';
import { allResources, resources, severalScopes, synthesize, testEnvironment, type Resource } from './support/synth.ts';

const runbook = readFileSync(new URL('../docs/RUNBOOK.md', import.meta.url), 'utf8');
const deploying = readFileSync(new URL('../docs/DEPLOY.md', import.meta.url), 'utf8');
const operations = readFileSync(new URL('../docs/OPERATIONS.md', import.meta.url), 'utf8');

/** The runbook's sections about alarms, by the anchor of their heading. */
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0] ?? '', section] as const)
    .filter(([heading]) => /^[a-z0-9-]+$/.test(heading)),
);

/** The alarms of an environment with one scope, and those that one with several has instead of some. */
const alarms = uniqueByName(
  [testEnvironment(), testEnvironment(severalScopes)].flatMap((environment) =>
    resources(synthesize(environment), 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties),
  ),
);

function uniqueByName(all: Resource['Properties'][]): Resource['Properties'][] {
  return [...new Map(all.map((alarm) => [String(alarm.AlarmName), alarm])).values()];
}

test('every alarm links to a heading of the runbook that is its own name, and every such heading has its alarm', () => {
  const links = alarms.map((alarm) => runbookHeading(alarm));
  expect(links.map((link) => `runtime-cache-test-${link}`)).toEqual(alarms.map(({ AlarmName: name }) => name));
  expect([...sections.keys()].sort()).toEqual([...links].sort());
});

test('the list of alarms has each alarm of the stack, with a link to its heading', () => {
  const listed = [...operations.matchAll(/^\| \[([a-z-]+)\]\(RUNBOOK\.md#([a-z-]+)\) \|/gm)];
  expect(listed.map(([, name]) => name).sort()).toEqual(alarms.map((alarm) => runbookHeading(alarm)).sort());
  expect(listed.filter(([, name, heading]) => name !== heading)).toEqual([]);
});

describe('the runbook says of the alarm what it means, how to look and what to do:', () => {
  test.each([...sections])('%s', (_, section) => {
    for (const part of ['**Meaning.**', '**Look.**', '**Do.**']) expect(section).toContain(part);
  });
});

/** The property that is the name of what is kept. */
const NAMES: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::S3::Bucket': 'BucketName',
};

/** A name as the document writes it, with shell variables for account and region. */
function written(name: unknown): unknown {
  const { 'Fn::Join': joined } = name as { 'Fn::Join'?: [string, unknown[]] };
  const part = (piece: unknown): string =>
    typeof piece === 'string' ? piece : `$${(piece as { Ref: string }).Ref === 'AWS::Region' ? 'REGION' : 'ACCOUNT'}`;
  return joined ? joined[1].map(part).join(joined[0]) : name;
}

test('what is to be imported after production was removed is exactly what it keeps, under its names', () => {
  const [, mapping] = /<!-- import -->[^]*?^(\{[^]*?^\})$[^]*?<!-- end of import -->/m.exec(deploying) ?? [];
  const kept = allResources(synthesize(testEnvironment({ name: 'prod', production: true }))).flatMap(
    ([id, { Type: type, DeletionPolicy: policy, Properties: properties = {} }]) => {
      const name = NAMES[type ?? ''] ?? '';
      return policy?.startsWith('Retain') ? [[id, { [name]: written(properties[name]) }] as const] : [];
    },
  );
  expect(JSON.parse(mapping?.replaceAll('$ENV', 'prod') ?? '')).toEqual(Object.fromEntries(kept));
});
