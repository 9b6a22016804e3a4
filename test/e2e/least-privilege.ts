import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke } from '../local-aws/aws.ts';
import { stateChange } from '../local-aws/state-change.ts';
import { clients, functionSession, putItem, readItem, serverNamed, stack, type FunctionSession } from './deployed.ts';
import {
  type Subject,
  TableName,
  HistoryTableName,
  ANOTHER_TABLE,
  SERVER,
  Key,
  HistoryKey,
  putEvents,
  queryMonth,
  allowed,
  refusedOfServers,
  refusedOfAnyTable,
  refusedOfAnotherTable,
  refusedElsewhere,
} from './least-privilege-requests.ts';

const CALCULATION: Subject = {
  functionName: stack.functionName,
  queueUrl: stack.queueUrl,
  read: 'BatchGetItem',
  allowed: [['the servers of a month', 'dynamodb:Query', queryMonth]],
  refused: [
    ['an answer on the default bus', 'events:PutEvents', (as) => putEvents(as, 'default')],
    [
      "a dead letter of the other function's",
      'sqs:SendMessage',
      (as) => as.sqs.send(new SendMessageCommand({ QueueUrl: stack.eventQueueUrl, MessageBody: 'e2e' })),
    ],
  ],
  event: () => Promise.resolve({}),
};

const ANSWER: Subject = {
  functionName: stack.eventResponseName,
  queueUrl: stack.eventQueueUrl,
  read: 'GetItem',
  allowed: [['an answer on the default bus', 'events:PutEvents', (as) => putEvents(as, 'default')]],
  refused: [
    ['the servers of a month', 'dynamodb:Query', queryMonth],
    [
      "a dead letter of the other function's",
      'sqs:SendMessage',
      (as) => as.sqs.send(new SendMessageCommand({ QueueUrl: stack.queueUrl, MessageBody: 'e2e' })),
    ],
  ],
  event: async () => stateChange((await serverNamed('always-off')).id, 'running'),
};

/** What the functions' roles allow and refuse, asked with sessions of theirs. */
export function leastPrivilege(): void {
  describe.each([
    ['calculation', CALCULATION],
    ['answer to state changes', ANSWER],
  ] as const)("the role of the %s's function", (_, subject) => {
    let session: FunctionSession;

    beforeAll(async () => {
      await putItem(SERVER);
      session = await functionSession(subject.functionName);
    });

    afterAll(async () => {
      await clients.dynamoDb.send(new DeleteItemCommand({ TableName, Key }));
      await clients.dynamoDb.send(new DeleteItemCommand({ TableName: HistoryTableName, Key: HistoryKey }));
    });

    it('is who asks', async () => {
      expect((await session.clients.sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(session.arn);
      expect(session.arn).toMatch(
        new RegExp(`^arn:aws:sts::\\d{12}:assumed-role/runtime-cache-dev-\\S+/${subject.functionName}$`),
      );
    });

    it.each([...allowed(subject), ...subject.allowed])('allows %s (%s)', async (__, ___, send) => {
      await send(session.clients);
    });

    describe.each([
      ['the servers table', refusedOfServers(subject)],
      ['the ledger', refusedOfAnyTable(HistoryTableName, HistoryKey)],
      ['another table', refusedOfAnotherTable()],
      ['anything else', [...refusedElsewhere(subject), ...subject.refused]],
    ])('of %s', (__, requests) => {
      it.each(requests)('refuses %s (%s)', async (___, action, send) => {
        const before = await readItem(SERVER.id?.S ?? '');
        // A refusal, and this one: credentials that are no good, or a request that is malformed, are told otherwise.
        await expect(send(session.clients)).rejects.toMatchObject({
          name: expect.stringMatching(/^(AccessDenied|AuthorizationError)/) as unknown,
          message: expect.stringContaining(
            `User: ${session.arn} is not authorized to perform: ${action} because no identity-based policy`,
          ) as unknown,
        });
        expect(await readItem(SERVER.id?.S ?? '')).toEqual(before);
      });
    });

    it.each(['SERVERS_TABLE_NAME', 'RUNTIME_HISTORY_TABLE_NAME'])(
      'refuses the function itself, with another table as %s',
      async (name) => {
        const FunctionName = subject.functionName;
        const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        const set = async (Variables: Record<string, string> | undefined): Promise<void> => {
          await clients.lambda.send(
            new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }),
          );
        };
        await set({ ...Environment?.Variables, [name]: ANOTHER_TABLE });
        try {
          const { payload } = await invoke(clients, FunctionName, await subject.event());
          expect((payload as { errorMessage?: string }).errorMessage).toMatch(
            /\/\S+ is not authorized to perform: dynamodb:\w+Item /,
          );
        } finally {
          await set(Environment?.Variables);
        }
      },
    );
  });
}
