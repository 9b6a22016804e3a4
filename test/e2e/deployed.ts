import { GetItemCommand, PutItemCommand, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import {
  createClients,
  invoke,
  readCache,
  type CachedServer,
  type Clients,
  type Invocation,
} from '../local-aws/aws.ts';
import { CdkCli } from '../local-aws/cdk.ts';
import { isolatedEnvironment, PROJECT_ROOT } from '../local-aws/context.ts';
import { run } from '../local-aws/processes.ts';
import { SimulatorClient, type TrueServer } from '../local-aws/simulator.ts';

/** An item of the servers table, whole. */
export type Item = Record<string, AttributeValue>;

/** The error a failed invocation answers with. */
export interface InvocationError {
  readonly errorType: string;
  readonly errorMessage: string;
}

const { simulatorUrl, stack: deployedStack, ...where } = inject('localAws');

/** Where MiniStack listens, and where logs are. */
export const { endpoint, stateDirectory } = where;

/** What the stack has deployed. */
export const stack = deployedStack;
/** Clients of the local AWS. */
export const clients = createClients(endpoint);
/** The simulated fleet. */
export const simulator = new SimulatorClient(simulatorUrl);
/** The CDK CLI. */
export const cdk = new CdkCli(endpoint, stateDirectory);

/** A session of a function's role. */
export interface FunctionSession {
  /** Who sends the requests, as a refusal names it. */
  readonly arn: string;
  /** Clients that send them. */
  readonly clients: Clients;
}

/** A session of a function's role, assumed as Lambda assumes it for the function. */
export async function functionSession(functionName: string): Promise<FunctionSession> {
  const { Role } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  const assumeRole = new AssumeRoleCommand({ RoleArn: Role, RoleSessionName: functionName });
  const { AssumedRoleUser, Credentials } = await clients.sts.send(assumeRole);
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials ?? {};
  if (!AssumedRoleUser?.Arn || !AccessKeyId || !SecretAccessKey || !SessionToken)
    throw new Error(`No session of ${String(Role)}.`);
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  return { arn: AssumedRoleUser.Arn, clients: createClients(endpoint, credentials) };
}

/** Invokes the deployed function by hand, and waits. */
export async function calculate(event: unknown = {}): Promise<Invocation> {
  return await invoke(clients, stack.functionName, event);
}

/** Invokes it with an event that must fail; returns the error. */
export async function calculateInVain(event: unknown = {}): Promise<InvocationError> {
  const { payload, functionError } = await calculate(event);
  if (!functionError) throw new Error(`The invocation should have failed, but answered ${JSON.stringify(payload)}`);
  return payload as InvocationError;
}

/** Every server with a cached running time. */
export async function cachedServers(): Promise<Map<string, CachedServer>> {
  return await readCache(clients, stack.tableName);
}

/** The whole table, by id: to see that nothing has changed. */
export async function wholeTable(): Promise<Map<string, Item>> {
  const { Items = [] } = await clients.dynamoDb.send(
    new ScanCommand({ TableName: stack.tableName, ConsistentRead: true }),
  );
  return new Map(Items.map((item) => [item.id?.S ?? '', item]));
}

/** One item of the table. */
export async function readItem(id: string): Promise<Item> {
  const Key = { id: { S: id } };
  const { Item } = await clients.dynamoDb.send(
    new GetItemCommand({ TableName: stack.tableName, Key, ConsistentRead: true }),
  );
  return Item ?? {};
}

/** Puts an item into the table, as the operator's application does. */
export async function putItem(item: Item): Promise<void> {
  await clients.dynamoDb.send(new PutItemCommand({ TableName: stack.tableName, Item: item }));
}

/** The servers that EC2 shows, sorted by name. */
export async function visibleServers(): Promise<TrueServer[]> {
  return (await simulator.truth()).servers.filter(({ visible }) => visible);
}

/** A server of the scenario. */
export async function serverNamed(name: string): Promise<TrueServer> {
  const server = (await visibleServers()).find((candidate) => candidate.name === name);
  if (!server) throw new Error(`The scenario has no server "${name}".`);
  return server;
}

/** Asks again and again until there is an answer. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined, patienceMs: number): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`There was no answer within ${patienceMs / 1000} seconds.`);
    await sleep(250);
  }
}

/** The month before another, both as `YYYY-MM`. */
export function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 2, 1)).toISOString().slice(0, 7);
}

/** Runs a Rust test that needs a DynamoDB, which others leave out, against this one. */
export async function runAgainstTheLocalDynamoDb(test: string): Promise<void> {
  await run({
    name: 'cargo test',
    command: 'cargo',
    args: ['test', '--release', '--workspace', '--locked', '--test', test, '--', '--ignored'],
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...isolatedEnvironment(), AWS_ENDPOINT_URL: endpoint },
    logFile: join(stateDirectory, `${test}.log`),
  });
}
