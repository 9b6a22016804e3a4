import {
  CloudFormationClient,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { REGION, STACK } from './context.ts';
import { LocalAwsError } from './processes.ts';

/** Clients of everything that is looked at, all with the local endpoint and the same credentials. */
export interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly cloudWatch: CloudWatchClient;
  readonly dynamoDb: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly sts: STSClient;
}

/** What requests are signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The operator's: to MiniStack the account's root, who may do everything. */
const OPERATOR: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Clients of a local AWS, the operator's unless other credentials are given. */
export function createClients(endpoint: string, credentials: Credentials = OPERATOR, region = REGION): Clients {
  // The project runs on the oldest Node.js that AWS Lambda's CDK supports; there is nothing to be warned of here.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const options = { endpoint, region, credentials };
  return {
    cloudFormation: new CloudFormationClient(options),
    cloudWatch: new CloudWatchClient(options),
    dynamoDb: new DynamoDBClient(options),
    events: new EventBridgeClient(options),
    lambda: new LambdaClient(options),
    logs: new CloudWatchLogsClient(options),
    sns: new SNSClient(options),
    // A bucket's name as a host name would need a resolver of names.
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sfn: new SFNClient(options),
    sqs: new SQSClient(options),
    sts: new STSClient(options),
  };
}

/** The physical ids of what the stack has deployed. */
export interface DeployedStack {
  readonly functionName: string;
  readonly eventResponseName: string;
  readonly fleetReportName: string;
  readonly tableName: string;
  readonly historyTableName: string;
  readonly ruleName: string;
  readonly reportsBucketName: string;
  readonly topicArn: string;
  readonly queueUrl: string;
  readonly eventQueueUrl: string;
}

/** Looks up what the stack has deployed. */
export async function describeStack({ cloudFormation }: Clients): Promise<DeployedStack> {
  const { StackResourceSummaries = [] } = await cloudFormation.send(
    new ListStackResourcesCommand({ StackName: STACK }),
  );
  const physicalId = (logicalId: RegExp): string => onlyResource(StackResourceSummaries, logicalId);
  return {
    functionName: physicalId(/^calculateMonthlyRuntime$/),
    eventResponseName: physicalId(/^eventResponse$/),
    fleetReportName: physicalId(/^fleetReport$/),
    tableName: physicalId(/^ServersTable$/),
    historyTableName: physicalId(/^RuntimeHistoryTable$/),
    ruleName: physicalId(/^MonthlyRuntimeCalculationRule$/),
    reportsBucketName: physicalId(/^ReportsBucket$/),
    topicArn: physicalId(/^AlarmTopic$/),
    queueUrl: physicalId(/^CalculationHandlerDeadLetterQueue[0-9A-F]{8}$/),
    eventQueueUrl: physicalId(/^EventResponseHandlerDeadLetterQueue[0-9A-F]{8}$/),
  };
}

function onlyResource(resources: readonly StackResourceSummary[], logicalId: RegExp): string {
  const found = resources.filter(({ LogicalResourceId }) => logicalId.test(LogicalResourceId ?? ''));
  const id = found[0]?.PhysicalResourceId;
  if (found.length !== 1 || id === undefined) {
    throw new LocalAwsError(`Stack ${STACK} should have one resource ${String(logicalId)}, but has ${found.length}.`);
  }
  return id;
}

/** How an invocation ended. */
export interface Invocation {
  /** The function's answer, or the error it failed with. */
  readonly payload: unknown;
  /** Set where it failed. */
  readonly functionError: string | undefined;
}

/** Invokes a function and waits for its answer. */
export async function invoke({ lambda }: Clients, functionName: string, event: unknown): Promise<Invocation> {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
  );
  return { payload: JSON.parse(new TextDecoder().decode(Payload)), functionError: FunctionError };
}

/** What a successful calculation answers; more fields may follow. */
export interface Answer {
  readonly message: string;
  readonly total_servers: number;
  readonly processed: number;
  readonly errors: number;
}

/** The body of a successful calculation's answer. */
export function readAnswer(payload: unknown): Answer {
  const { statusCode, body } = payload as { statusCode?: number; body?: string };
  if (statusCode !== 200 || body === undefined) throw new LocalAwsError(`No answer: ${JSON.stringify(payload)}`);
  return JSON.parse(body) as Answer;
}

/** What the servers table says of a server. */
export interface CachedServer {
  readonly id: string;
  readonly minutes: number;
  readonly uncertainty: number;
  readonly month: string;
  readonly cachedAt: string;
  readonly runningSince: string | undefined;
}

/** Every server with a cached running time, by id. */
export async function readCache({ dynamoDb }: Clients, tableName: string): Promise<Map<string, CachedServer>> {
  const servers = new Map<string, CachedServer>();
  for await (const { Items = [] } of paginateScan(
    { client: dynamoDb },
    { TableName: tableName, ConsistentRead: true },
  )) {
    for (const item of Items) {
      if (!item.id?.S || !item.runningMinutesCache?.N) continue;
      servers.set(item.id.S, {
        id: item.id.S,
        minutes: Number(item.runningMinutesCache.N),
        uncertainty: Number(item.runningMinutesUncertainty?.N),
        month: item.runningMinutesCacheMonth?.S ?? '',
        cachedAt: item.runningMinutesCacheTimestamp?.S ?? '',
        runningSince: item.runningSince?.S,
      });
    }
  }
  return servers;
}
