import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { FleetDashboard } from '../../lib/constructs/fleet-dashboard.ts';
import { FleetReport } from '../../lib/constructs/fleet-report.ts';
import { RuntimeHistoryTable } from '../../lib/constructs/runtime-history-table.ts';
import { ServersTable } from '../../lib/constructs/servers-table.ts';
import { only, resources, synthesize, testEnvironment, testStack } from '../support/synth.ts';

let template: Template;

beforeAll(() => {
  const stack = testStack();
  const environment = testEnvironment();
  const report = new FleetReport(stack, 'Report', {
    environment,
    serversTable: new ServersTable(stack, 'Servers', environment),
    historyTable: new RuntimeHistoryTable(stack, 'History', environment),
  });
  new FleetDashboard(stack, 'Dashboard', 'test', [report.dashboardRow()]);
  template = Template.fromStack(stack);
});

test('the function may read the ledger, write its log, and nothing else', () => {
  const policies = resources(template, 'AWS::IAM::Policy').flatMap(
    ([, { Properties }]) =>
      (Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] }).Statement,
  );
  const table = { 'Fn::GetAtt': ['RuntimeHistoryTable', 'Arn'] };
  expect(policies.map(({ Action, Resource }) => [Action, Resource])).toEqual([
    [['logs:CreateLogStream', 'logs:PutLogEvents'], expect.anything()],
    [['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'], table],
    ['dynamodb:Query', { 'Fn::Join': ['', [table, '/index/scopeMonth']] }],
  ]);
});

test('nothing but who asks invokes it, so nothing of it waits in a queue', () => {
  template.resourceCountIs('AWS::SQS::Queue', 0);
  template.resourceCountIs('AWS::Lambda::Permission', 0);
  expect(only(template, 'AWS::Lambda::Function')).not.toHaveProperty('DeadLetterConfig');
});

test('the dashboard asks it for the fleet', () => {
  const { DashboardName: name, DashboardBody: body } = only(template, 'AWS::CloudWatch::Dashboard');
  expect(name).toBe('runtime-cache-test');
  expect(JSON.stringify(body)).toContain(String.raw`\"type\":\"custom\"`);
  expect(JSON.stringify(body)).toContain(String.raw`\"params\":{\"report\":\"fleet\"}`);
  template.hasOutput('DashboardUrl', {});
});

test('a dashboard of the whole stack shows every alarm, and its URL is of the region and its partition', () => {
  const url = (region: string) => {
    const stack = synthesize(testEnvironment({ account: '111122223333', region }));
    return (stack.findOutputs('DashboardUrl').DashboardUrl as { Value: string }).Value;
  };
  expect(url('eu-west-1')).toBe(
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/runtime-cache-test',
  );
  expect(url('us-gov-west-1')).toContain('https://us-gov-west-1.console.amazonaws-us-gov.com/');
  expect(url('cn-north-1')).toContain('https://cn-north-1.console.amazonaws.cn/');
  const stack = synthesize(testEnvironment());
  const body = JSON.stringify(only(stack, 'AWS::CloudWatch::Dashboard').DashboardBody);
  const alarms = resources(stack, 'AWS::CloudWatch::Alarm').map(([id]) => id);
  expect(alarms.filter((id) => !body.includes(id))).toEqual([]);
});
