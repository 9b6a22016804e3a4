import type { Template } from 'aws-cdk-lib/assertions';
import { allResources, resources, type Resource } from './synth.ts';

/** What must hold in every stack, each rule as a list of what breaks it. */
export const invariants: Readonly<Record<string, (template: Template) => string[]>> = {
  'every function that works on its own has alarms on errors, duration, throttles and invocations': (template) =>
    eachUnattended(template, (id) =>
      ['Errors', 'Duration', 'Throttles', 'Invocations']
        .filter(
          (metric) =>
            !alarms(template).some((alarm) => watches(alarm, 'AWS/Lambda', metric, 'FunctionName', { Ref: id })),
        )
        .map((metric) => `no alarm on ${metric}`),
    ),

  'every function has a log group of the stack, with a retention': (template) =>
    eachFunction(template, (_, { LoggingConfig: logging }) => {
      const group = referenced(
        template,
        'AWS::Logs::LogGroup',
        (logging as { LogGroup?: unknown } | undefined)?.LogGroup,
      );
      return group && Number(group.RetentionInDays) > 0 ? [] : ['no log group with a retention'];
    }),

  'every function that works on its own has a dead-letter queue with an alarm': (template) =>
    eachUnattended(template, (_, { DeadLetterConfig: config }) => {
      const target = (config as { TargetArn?: unknown } | undefined)?.TargetArn;
      if (!referenced(template, 'AWS::SQS::Queue', target)) return ['no dead-letter queue'];
      const queueName = { 'Fn::GetAtt': [logicalId(target), 'QueueName'] };
      const metric = 'ApproximateNumberOfMessagesVisible';
      const watched = alarms(template).some((alarm) => watches(alarm, 'AWS/SQS', metric, 'QueueName', queueName));
      return watched ? [] : ['no alarm on its dead-letter queue'];
    }),

  'no function reserves concurrency, of which a new account has only 10': (template) =>
    eachFunction(template, (_, properties) =>
      'ReservedConcurrentExecutions' in properties ? ['reserves concurrency'] : [],
    ),

  'no statement allows actions by wildcard, and none names the action *': (template) =>
    eachStatement(template, ({ Effect: effect, Action: action }) =>
      listed(action).filter((name) => name === '*' || (effect === 'Allow' && String(name).includes('*'))),
    ),

  'no statement allows all resources, but for the actions that know none': (template) =>
    eachStatement(template, ({ Effect: effect, Action: action, Resource: resource }) => {
      const narrowable = listed(action).filter((name) => !KNOW_NO_RESOURCES.includes(String(name)));
      const wildcard = JSON.stringify(resource ?? null).includes('*');
      // The names of a Distributed Map's children are made up by Step Functions.
      const children = listed(resource).every((one) =>
        /:execution:runtime-cache-[^*]*[:/]\*/.test(JSON.stringify(one)),
      );
      // Of objects that are written, the names are to come: one prefix is as narrow as it gets.
      const underPrefix =
        listed(action).every((name) => name === 's3:PutObject') && /\/\w+\/\*"/.test(JSON.stringify(resource));
      return effect === 'Allow' && wildcard && !children && !underPrefix
        ? narrowable.map((name) => `${String(name)} on a wildcard`)
        : [];
    }),

  'no role has an AWS managed policy': (template) =>
    resources(template, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
      'ManagedPolicyArns' in Properties ? [`${id}: ${JSON.stringify(Properties.ManagedPolicyArns)}`] : [],
    ),

  'every alarm has an action, and a link to a runbook heading': (template) =>
    resources(template, 'AWS::CloudWatch::Alarm').flatMap(([id, { Properties: alarm }]) => [
      ...(Array.isArray(alarm.AlarmActions) && alarm.AlarmActions.length > 0 ? [] : [`${id}: no action`]),
      ...(runbookHeading(alarm) ? [] : [`${id}: no runbook link`]),
    ]),

  'what a failed first creation made is deleted, so that it can be repeated; else what is kept is always kept': (
    template,
  ) =>
    allResources(template).flatMap(([id, { DeletionPolicy: deleted, UpdateReplacePolicy: replaced, Properties }]) => {
      const kept = [deleted, replaced].some((policy) => policy?.startsWith('Retain'));
      return [
        ...(kept && !(deleted === 'RetainExceptOnCreate' && replaced === 'Retain')
          ? [`${id}: ${String(deleted)} on delete, ${String(replaced)} on replacement`]
          : []),
        // DynamoDB would refuse to delete it, and the rollback would fail.
        ...(Properties?.DeletionProtectionEnabled === true ? [`${id}: protected from the rollback`] : []),
      ];
    }),

  'every physical name begins with app and environment': (template) =>
    Object.entries(PHYSICAL_NAMES).flatMap(([type, property]) =>
      resources(template, type)
        .map(([id, { Properties }]) => [id, Properties[property]])
        .filter(([, name]) => !/^(\/aws\/lambda\/)?runtime-cache-[a-z0-9]+-\w/.test(beginning(name)))
        .map(([id, name]) => `${String(id)}: ${JSON.stringify(name)}`),
    ),
};

/** A name, or the first part of one that is put together. */
function beginning(name: unknown): string {
  const { 'Fn::Join': joined } = (name ?? {}) as { 'Fn::Join'?: [string, unknown[]] };
  return String(joined ? joined[1][0] : name);
}

/** The actions that support no resource-level permissions. */
const KNOW_NO_RESOURCES = [
  'cloudtrail:LookupEvents',
  'cloudwatch:GetMetricData',
  'ec2:DescribeInstances',
  'ec2:DescribeSpotInstanceRequests',
];

const PHYSICAL_NAMES: Readonly<Record<string, string>> = {
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Events::Rule': 'Name',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
};

/** The runbook heading an alarm links to, as the anchor of its URL. */
export function runbookHeading(alarm: Resource['Properties']): string | undefined {
  return /https:\/\/[^\s"]+#([a-z0-9-]+)"?/.exec(JSON.stringify(alarm.AlarmDescription ?? ''))?.[1];
}

type Properties = Resource['Properties'];

/** Asked by people and dashboards, who see an error themselves: nothing of it has to wait for anybody. */
const ASKED = ['fleetReport'];

function eachFunction(template: Template, problems: (id: string, properties: Properties) => string[]): string[] {
  return resources(template, 'AWS::Lambda::Function').flatMap(([id, { Properties: properties }]) =>
    problems(id, properties).map((problem) => `${id}: ${problem}`),
  );
}

/** The functions that work on their own, so that somebody has to be told where one fails. */
function eachUnattended(template: Template, problems: (id: string, properties: Properties) => string[]): string[] {
  return eachFunction(template, (id, properties) => (ASKED.includes(id) ? [] : problems(id, properties)));
}

function eachStatement(template: Template, problems: (statement: Properties) => unknown[]): string[] {
  const types = [
    'AWS::IAM::Policy',
    'AWS::IAM::ManagedPolicy',
    'AWS::IAM::Role',
    'AWS::SNS::TopicPolicy',
    'AWS::SQS::QueuePolicy',
  ];
  return types
    .flatMap((type) => resources(template, type))
    .flatMap(([id, { Properties }]) =>
      statementsIn(Properties).flatMap((statement) =>
        problems(statement).map((problem) => `${id}: ${String(problem)}`),
      ),
    );
}

/** Policy statements, wherever in the properties they are. */
function statementsIn(value: unknown): Properties[] {
  if (typeof value !== 'object' || value === null) return [];
  const here = 'Statement' in value ? (listed(value.Statement) as Properties[]) : [];
  return [...here, ...Object.values(value).flatMap(statementsIn)];
}

function alarms(template: Template): Properties[] {
  return resources(template, 'AWS::CloudWatch::Alarm').map(([, { Properties: properties }]) => properties);
}

/** Whether an alarm watches a metric of a resource, plainly or inside an expression. */
function watches(alarm: Properties, namespace: string, metric: string, dimension: string, value: unknown): boolean {
  const expressions = (alarm.Metrics ?? []) as { MetricStat?: { Metric: Properties } }[];
  const metrics = [alarm, ...expressions.flatMap(({ MetricStat: stat }) => (stat ? [stat.Metric] : []))];
  const wanted = JSON.stringify([{ Name: dimension, Value: value }]);
  return metrics.some(
    (one) => one.Namespace === namespace && one.MetricName === metric && JSON.stringify(one.Dimensions) === wanted,
  );
}

function referenced(template: Template, type: string, reference: unknown): Properties | undefined {
  const id = logicalId(reference);
  return resources(template, type).find(([candidate]) => candidate === id)?.[1].Properties;
}

function logicalId(reference: unknown): unknown {
  const { Ref: ref, 'Fn::GetAtt': attribute } = (reference ?? {}) as { Ref?: unknown; 'Fn::GetAtt'?: unknown[] };
  return ref ?? attribute?.[0];
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
