import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, ListBucketsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { ListTopicsCommand } from '@aws-sdk/client-sns';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { STACK } from '../local-aws/context.ts';
import { cdk, clients, stack } from './deployed.ts';

/** The stack as a whole: deployed, unchanged, and gone without a trace. */
export function lifecycle(): void {
  describe('the stack', () => {
    it('is deployed under the names of the contract', async () => {
      const { Stacks = [] } = await clients.cloudFormation.send(new DescribeStacksCommand({ StackName: STACK }));
      expect(Stacks[0]?.StackStatus).toBe('CREATE_COMPLETE');
      expect(stack).toMatchObject({
        functionName: 'runtime-cache-dev-calculateMonthlyRuntime',
        ruleName: 'runtime-cache-dev-MonthlyRuntimeCalculationRule',
        tableName: 'runtime-cache-dev-ServersTable',
      });
    });

    it('does not differ from the app', async () => {
      expect(await cdk.diff()).toBeUndefined();
    });

    it('leaves nothing behind when it is destroyed', async () => {
      const before = await resources();
      expect(
        Object.entries(before).filter(([, names]) => names.length === 0),
        'kinds of resources not found at all',
      ).toEqual([]);
      // As docs/DEPLOY.md says: CloudFormation deletes no bucket with files in it.
      await emptyBucket(stack.reportsBucketName);
      await cdk.destroy();
      const after = await resources();
      expect(
        Object.entries(after).filter(([, names]) => names.length > 0),
        'kinds of resources left',
      ).toEqual([]);
    });
  });
}

/** Deletes every version of every file. */
async function emptyBucket(Bucket: string): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await clients.s3.send(new ListObjectVersionsCommand({ Bucket }));
  for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
    await clients.s3.send(new DeleteObjectCommand({ Bucket, Key, ...(VersionId ? { VersionId } : {}) }));
  }
}

/** The names of everything that belongs to the environment, by kind. */
async function resources(): Promise<Record<string, string[]>> {
  const { cloudWatch, dynamoDb, events, lambda, logs, s3, sns, sqs } = clients;
  const all: Record<string, (string | undefined)[] | undefined> = {
    alarms: (await cloudWatch.send(new DescribeAlarmsCommand({}))).MetricAlarms?.map(({ AlarmName }) => AlarmName),
    buckets: (await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name),
    functions: (await lambda.send(new ListFunctionsCommand({}))).Functions?.map(({ FunctionName }) => FunctionName),
    logGroups: (await logs.send(new DescribeLogGroupsCommand({}))).logGroups?.map(({ logGroupName }) => logGroupName),
    queues: (await sqs.send(new ListQueuesCommand({}))).QueueUrls,
    rules: (await events.send(new ListRulesCommand({}))).Rules?.map(({ Name }) => Name),
    tables: (await dynamoDb.send(new ListTablesCommand({}))).TableNames,
    topics: (await sns.send(new ListTopicsCommand({}))).Topics?.map(({ TopicArn }) => TopicArn),
  };
  const ours = (name: string | undefined): name is string => name?.includes(STACK) ?? false;
  return Object.fromEntries(Object.entries(all).map(([kind, names]) => [kind, (names ?? []).filter(ours)]));
}
