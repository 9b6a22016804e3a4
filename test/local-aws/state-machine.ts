import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  ListMapRunsCommand,
  ListStateMachinesCommand,
  StartExecutionCommand,
  type ExecutionListItem,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import { physicalName } from '../../lib/naming.ts';
import type { Scope } from '../../lib/scopes.ts';
import type { LocalAws } from './local-aws.ts';
import { LocalAwsError } from './processes.ts';

/** A run of an environment's state machine. */
export interface MapRun {
  /** From its start to its end. */
  readonly seconds: number;
  /** What it did for each scope. */
  readonly children: readonly Child[];
}

/** The run over one scope. */
export interface Child {
  readonly scope: Scope;
  /** From its start to its end. */
  readonly seconds: number;
}

/** Runs an environment's state machine once, to its end. */
export async function runStateMachine(local: Pick<LocalAws, 'clients'>, environment: string): Promise<MapRun> {
  const { sfn } = local.clients;
  const { stateMachines = [] } = await sfn.send(new ListStateMachinesCommand({}));
  const machine = stateMachines.find(({ name }) => name?.startsWith(physicalName(environment, '')));
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: machine?.stateMachineArn }));
  for (;;) {
    const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    const { status, error, cause } = execution;
    if (status === 'SUCCEEDED') return { seconds: secondsOf(execution), children: await childrenOf(sfn, executionArn) };
    if (status !== 'RUNNING')
      throw new LocalAwsError(`The state machine ended as ${String(status)}: ${error ?? ''} ${cause ?? ''}`);
    await sleep(250);
  }
}

async function childrenOf(sfn: SFNClient, executionArn: string | undefined): Promise<Child[]> {
  const { mapRuns = [] } = await sfn.send(new ListMapRunsCommand({ executionArn }));
  const children: ExecutionListItem[] = [];
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(new ListExecutionsCommand({ mapRunArn: mapRuns[0]?.mapRunArn, nextToken }));
    children.push(...(page.executions ?? []));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  return await Promise.all(
    children.map(async (child) => {
      const { input } = await sfn.send(new DescribeExecutionCommand({ executionArn: child.executionArn }));
      return { scope: JSON.parse(input ?? '{}') as Scope, seconds: secondsOf(child) };
    }),
  );
}

function secondsOf({ startDate, stopDate }: Pick<ExecutionListItem, 'startDate' | 'stopDate'>): number {
  return ((stopDate?.getTime() ?? Number.NaN) - (startDate?.getTime() ?? Number.NaN)) / 1000;
}
