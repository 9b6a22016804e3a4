import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { PutEventsCommand, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PublishCommand } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { type Clients } from '../local-aws/aws.ts';
import { clients, stack, type Item } from './deployed.ts';
import { ACCOUNT, REGION } from '../local-aws/context.ts';

/** A request, and the IAM action that it is checked as. */
export type Request = readonly [what: string, action: string, send: (as: Clients) => Promise<unknown>];

/** A function, how it reads the servers table, and what only it does or does not. */
export interface Subject {
  readonly functionName: string;
  readonly queueUrl: string;
  readonly read: 'GetItem' | 'BatchGetItem';
  readonly allowed: readonly Request[];
  readonly refused: readonly Request[];
  /** An event that it answers only with both tables. */
  event(): Promise<unknown>;
}

export const TableName = stack.tableName;
export const HistoryTableName = stack.historyTableName;
export const ANOTHER_TABLE = 'runtime-cache-dev-AnotherTable';

/** A server of the operator's application alone; EC2 does not show it. */
export const SERVER: Item = {
  id: { S: 'i-0123456789abcde00' },
  runCommand: { S: './start.sh' },
  runningMinutesCache: { N: '7' },
};
export const Key = { id: { S: 'i-0123456789abcde00' } };
export const HistoryKey = { ...Key, month: { S: '2000-01' } };
const OWN_ATTRIBUTES = [
  'id',
  'runningMinutesCache',
  'runningMinutesCacheTimestamp',
  'runningMinutesCacheMonth',
  'runningMinutesUncertainty',
  'runningSince',
  'runningMinutesRevision',
].join(', ');
/** What expressions below call `:text`. */
const text = { ExpressionAttributeValues: { ':text': { S: 'text' } } };

/** Reads of one item by its key; of the whole item where no attributes are named. */
const READS = {
  GetItem: (as: Clients, table: string, ProjectionExpression?: string) =>
    as.dynamoDb.send(new GetItemCommand({ TableName: table, Key, ProjectionExpression })),
  BatchGetItem: (as: Clients, table: string, ProjectionExpression?: string) =>
    as.dynamoDb.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [Key], ProjectionExpression } } })),
};

function update(as: Clients, input: Partial<UpdateItemCommandInput>): Promise<unknown> {
  return as.dynamoDb.send(new UpdateItemCommand({ TableName, Key, ...input }));
}

export function putEvents(as: Clients, EventBusName: string): Promise<unknown> {
  const entry = { EventBusName, Source: 'e2e', DetailType: 'e2e', Detail: '{}' };
  return as.events.send(new PutEventsCommand({ Entries: [entry] }));
}

export function queryMonth(as: Clients): Promise<unknown> {
  return as.dynamoDb.send(
    new QueryCommand({
      TableName: HistoryTableName,
      IndexName: 'scopeMonth',
      KeyConditionExpression: 'scopeMonth = :key',
      ExpressionAttributeValues: { ':key': { S: `${ACCOUNT}/${REGION}/2000-01` } },
    }),
  );
}

/** What both functions need. */
export function allowed({ read, queueUrl }: Subject): Request[] {
  const cache = {
    UpdateExpression: 'SET runningMinutesCache = :n, runningMinutesCacheTimestamp = :text REMOVE runningSince',
    ConditionExpression: 'attribute_exists(id) AND NOT runningMinutesRevision > :n',
    ExpressionAttributeValues: { ':n': { N: '7' }, ':text': { S: 'text' } },
  };
  const history = { TableName: HistoryTableName, Key: HistoryKey };
  return [
    ['its attributes of a server, read', `dynamodb:${read}`, (as) => READS[read](as, TableName, OWN_ATTRIBUTES)],
    ['its attributes of a server, written', 'dynamodb:UpdateItem', (as) => update(as, cache)],
    [
      'the history, updated',
      'dynamodb:UpdateItem',
      (as) => update(as, { ...history, UpdateExpression: 'SET account = :text', ReturnValues: 'ALL_NEW', ...text }),
    ],
    ['an item of the history', 'dynamodb:GetItem', (as) => as.dynamoDb.send(new GetItemCommand(history))],
    [
      'items of the history',
      'dynamodb:BatchGetItem',
      (as) =>
        as.dynamoDb.send(new BatchGetItemCommand({ RequestItems: { [HistoryTableName]: { Keys: [HistoryKey] } } })),
    ],
    [
      'a dead letter of its own',
      'sqs:SendMessage',
      async (as) => {
        await as.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'e2e' }));
        await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
      },
    ],
  ];
}

/** What neither may do to the servers table. */
export function refusedOfServers({ read }: Subject): Request[] {
  const other = read === 'GetItem' ? 'BatchGetItem' : 'GetItem';
  const set = { UpdateExpression: 'SET runCommand = :text', ...text };
  const own = { UpdateExpression: 'SET runningSince = :text', ...text };
  return [
    ['another attribute, written', 'dynamodb:UpdateItem', (as) => update(as, set)],
    [
      'another attribute, written beside its own',
      'dynamodb:UpdateItem',
      (as) => update(as, { ...set, UpdateExpression: 'SET runningSince = :text, runCommand = :text' }),
    ],
    [
      'another attribute, written under a placeholder',
      'dynamodb:UpdateItem',
      (as) =>
        update(as, {
          ...set,
          UpdateExpression: 'SET #name = :text',
          ExpressionAttributeNames: { '#name': 'runCommand' },
        }),
    ],
    [
      'another attribute, removed',
      'dynamodb:UpdateItem',
      (as) => update(as, { UpdateExpression: 'REMOVE runCommand' }),
    ],
    [
      'another attribute, copied into its own',
      'dynamodb:UpdateItem',
      (as) => update(as, { UpdateExpression: 'SET runningSince = runCommand' }),
    ],
    [
      'another attribute, asked for by a condition',
      'dynamodb:UpdateItem',
      (as) => update(as, { ...own, ConditionExpression: 'begins_with(runCommand, :text)' }),
    ],
    [
      'another attribute, written in the old way',
      'dynamodb:UpdateItem',
      (as) => update(as, { AttributeUpdates: { runCommand: { Value: { S: 'text' } } } }),
    ],
    [
      'another attribute, written in a transaction',
      'dynamodb:UpdateItem',
      (as) =>
        as.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: [{ Update: { TableName, Key, ...set } }] })),
    ],
    ...(['ALL_NEW', 'ALL_OLD'] as const).map((ReturnValues): Request => [
      `the whole item, as an update's ${ReturnValues}`,
      'dynamodb:UpdateItem',
      (as) => update(as, { ...own, ReturnValues }),
    ]),
    ['another attribute, read', `dynamodb:${read}`, (as) => READS[read](as, TableName, 'runCommand')],
    [
      'another attribute, read beside its own',
      `dynamodb:${read}`,
      (as) => READS[read](as, TableName, 'id, runningSince, runCommand'),
    ],
    ['a whole item', `dynamodb:${read}`, (as) => READS[read](as, TableName)],
    [
      'its attributes, by the read it does not use',
      `dynamodb:${other}`,
      (as) => READS[other](as, TableName, OWN_ATTRIBUTES),
    ],
    ['a whole item, by the read it does not use', `dynamodb:${other}`, (as) => READS[other](as, TableName)],
    [
      'a whole item, in a transaction',
      'dynamodb:GetItem',
      (as) => as.dynamoDb.send(new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key } }] })),
    ],
    ...refusedOfAnyTable(TableName, Key),
  ];
}

/** What neither may do to any table, its own or not. */
export function refusedOfAnyTable(table: string, key: Item): Request[] {
  const put = { TableName: table, Item: key };
  return [
    ['an item put', 'dynamodb:PutItem', (as) => as.dynamoDb.send(new PutItemCommand(put))],
    [
      'an item put in a transaction',
      'dynamodb:PutItem',
      (as) => as.dynamoDb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: put }] })),
    ],
    [
      'an item put in a batch',
      'dynamodb:BatchWriteItem',
      (as) =>
        as.dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ PutRequest: { Item: key } }] } })),
    ],
    [
      'an item deleted',
      'dynamodb:DeleteItem',
      (as) => as.dynamoDb.send(new DeleteItemCommand({ TableName: table, Key: key })),
    ],
    [
      'a scan',
      'dynamodb:Scan',
      (as) => as.dynamoDb.send(new ScanCommand({ TableName: table, ProjectionExpression: 'id' })),
    ],
    [
      'a query',
      'dynamodb:Query',
      (as) => {
        const values = { ':id': { S: 'i-0123456789abcde00' } };
        const query = { TableName: table, KeyConditionExpression: 'id = :id', ExpressionAttributeValues: values };
        return as.dynamoDb.send(new QueryCommand({ ...query, ProjectionExpression: 'id' }));
      },
    ],
    [
      "the table's description",
      'dynamodb:DescribeTable',
      (as) => as.dynamoDb.send(new DescribeTableCommand({ TableName: table })),
    ],
  ];
}

/** What neither may do to a table that is not one of the two. */
export function refusedOfAnotherTable(): Request[] {
  return [
    ['an item', 'dynamodb:GetItem', (as) => READS.GetItem(as, ANOTHER_TABLE, 'id')],
    [
      'items beside those of the history',
      'dynamodb:BatchGetItem',
      (as) => {
        const RequestItems = {
          [HistoryTableName]: { Keys: [HistoryKey] },
          [ANOTHER_TABLE]: { Keys: [Key], ProjectionExpression: 'id' },
        };
        return as.dynamoDb.send(new BatchGetItemCommand({ RequestItems }));
      },
    ],
    [
      'an update',
      'dynamodb:UpdateItem',
      (as) => update(as, { TableName: ANOTHER_TABLE, UpdateExpression: 'SET runningSince = :text', ...text }),
    ],
    ...refusedOfAnyTable(ANOTHER_TABLE, Key),
  ];
}

/** What neither may do elsewhere. */
export function refusedElsewhere({ functionName, queueUrl }: Subject): Request[] {
  return [
    ['an event on another bus', 'events:PutEvents', (as) => putEvents(as, 'another')],
    [
      'a rule',
      'events:PutRule',
      (as) => as.events.send(new PutRuleCommand({ Name: 'another', ScheduleExpression: 'rate(1 hour)' })),
    ],
    [
      'an invocation',
      'lambda:InvokeFunction',
      (as) => as.lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'DryRun' })),
    ],
    [
      'an alarm of its own making',
      'sns:Publish',
      (as) => as.sns.send(new PublishCommand({ TopicArn: stack.topicArn, Message: 'e2e' })),
    ],
    [
      'its dead letters, read',
      'sqs:ReceiveMessage',
      (as) => as.sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl })),
    ],
  ];
}
