import { BatchGetItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { physicalName } from '../../lib/naming.ts';
import type { Scope } from '../../lib/scopes.ts';
import { readCache } from './aws.ts';
import { ACCOUNT, REGION } from './context.ts';
import type { LocalAws } from './local-aws.ts';
import type { Progress } from './progress.ts';
import { compareWithTruth, formatRows } from './report.ts';
import { deployments, further, OTHER_ACCOUNT, OTHER_REGION, severalScopes } from './several-scopes.ts';
import { runStateMachine } from './state-machine.ts';

/** The scope that cannot be read. */
const SICK: Scope = { account: OTHER_ACCOUNT, region: OTHER_REGION };

/**
 * Deploys an environment over two accounts by two regions, lets three hours go by in one of which EC2 does not answer, and
 * shows how each scope is. Whether every server of the others is right.
 */
export async function showScopes(local: LocalAws, progress: Progress): Promise<boolean> {
  const { hub, spokes } = deployments(local.endpoint, local.stateDirectory);
  await progress.compiling('Synthesising the hub, and bootstrapping its further accounts and regions', (onLine) =>
    Promise.all([hub.synth(onLine), ...spokes.map((spoke) => spoke.bootstrap())]),
  );
  await progress.step('Deploying the hub', () => hub.deploy());
  for (const spoke of spokes) {
    await spoke.synth(() => undefined);
    await progress.step('Deploying a spoke', () => spoke.deploy());
  }
  await local.simulator.inScope(SICK).addFault({ kind: 'unreachable' });
  for (const hour of ['first', 'second', 'third']) {
    await progress.step(`Running the state machine for the ${hour} time`, () =>
      runStateMachine(local, severalScopes().name),
    );
  }
  return await showStatuses(local);
}

async function showStatuses({ clients, simulator }: LocalAws): Promise<boolean> {
  const { name } = severalScopes();
  const scopes: Scope[] = [{ account: ACCOUNT, region: REGION }, ...further()];
  const cache = await readCache(clients, physicalName(name, 'ServersTable'));
  const table = physicalName(name, 'RuntimeHistoryTable');
  const keys = scopes.map(({ account, region }) => ({
    id: { S: `status#${account}/${region}` },
    month: { S: 'status' },
  }));
  const { Responses } = await clients.dynamoDb.send(
    new BatchGetItemCommand({ RequestItems: { [table]: { Keys: keys } } }),
  );
  const statuses = new Map(Responses?.[table]?.map((item) => [item.id?.S, item]));
  let right = true;
  const rows: string[][] = [];
  for (const scope of scopes) {
    const place = `${scope.account}/${scope.region}`;
    const own = scope === scopes[0] ? simulator : simulator.inScope(scope);
    const comparisons = await compareWithTruth(own, cache);
    const wrong = comparisons.filter(({ cached, problem }) => cached !== undefined && problem !== undefined);
    right &&= wrong.length === 0;
    const isRead = comparisons.some(({ cached }) => cached !== undefined);
    const verdict = wrong.length > 0 ? 'WRONG' : isRead ? 'ok' : 'not read';
    rows.push([...describeStatus(place, statuses.get(`status#${place}`)), verdict]);
  }
  const header = ['scope', 'servers', 'minutes', 'uncertainty', 'last success', 'failures in a row', 'why', ''];
  console.log(`\n${formatRows(header, rows, new Set([1, 2, 3, 5]))}\n`);
  return right;
}

function describeStatus(place: string, status: Record<string, AttributeValue> = {}): string[] {
  const { servers, minutes, uncertainty, lastSuccess, failuresInARow, lastErrorKind } = status;
  return [
    place,
    servers?.N ?? '-',
    minutes?.N ?? '-',
    uncertainty?.N ?? '-',
    lastSuccess?.S ?? 'never',
    failuresInARow?.N ?? '-',
    lastErrorKind?.S ?? '',
  ];
}
