import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { physicalName } from '../../lib/naming.ts';
import type { Scope } from '../../lib/scopes.ts';
import { createClients, invoke, readAnswer, readCache, type CachedServer, type Clients } from '../local-aws/aws.ts';
import { ACCOUNT, REGION } from '../local-aws/context.ts';
import { compareWithTruth } from '../local-aws/report.ts';
import {
  deployments,
  further,
  OTHER_ACCOUNT,
  OTHER_REGION,
  SERVERS_EACH,
  severalScopes,
} from '../local-aws/several-scopes.ts';
import { runStateMachine, type MapRun } from '../local-aws/state-machine.ts';
import { clients, endpoint, eventually, simulator, stateDirectory } from './deployed.ts';

const OWN_REGION = { account: ACCOUNT, region: OTHER_REGION };
const OTHER = { account: OTHER_ACCOUNT, region: REGION };
const OTHERS_REGION = { account: OTHER_ACCOUNT, region: OTHER_REGION };

const environment = severalScopes().name;
const functionName = physicalName(environment, 'calculateMonthlyRuntime');
const tableName = physicalName(environment, 'ServersTable');

/** What the last step of a run answers. */
interface Summary {
  readonly scopes: number;
  readonly failing: readonly (Scope & { readonly kind?: string })[];
}

/** Two accounts by two regions, counted by one hub. */
export function scopes(): void {
  describe('several scopes', () => {
    const { hub, spokes } = deployments(endpoint, stateDirectory);

    beforeAll(async () => {
      await hub.synth(() => undefined);
      await Promise.all(spokes.map((spoke) => spoke.bootstrap()));
      await hub.deploy();
      for (const spoke of spokes) {
        await spoke.synth(() => undefined);
        await spoke.deploy();
      }
    });

    afterEach(async () => {
      await simulator.setRole(OTHER_ACCOUNT, true);
      for (const scope of further()) await simulator.inScope(scope).clearFaults();
    });

    /** The hour: the state machine, to its end. */
    const hour = (): Promise<MapRun> => runStateMachine({ clients }, environment);

    /** How all scopes are. */
    async function summary(): Promise<Summary> {
      const { payload, functionError } = await invoke(clients, functionName, { report: 'scopes' });
      if (functionError) throw new Error(`The scopes could not be summed up: ${JSON.stringify(payload)}`);
      return readAnswer(payload) as unknown as Summary;
    }

    /** How many of a scope's servers are cached, each of them right. */
    async function rightIn(scope: Scope): Promise<number> {
      const cache = await readCache(clients, tableName);
      const comparisons = await compareWithTruth(simulator.inScope(scope), cache);
      const cached = comparisons.filter((comparison) => comparison.cached !== undefined);
      expect(cached.filter(({ problem }) => problem !== undefined)).toEqual([]);
      return cached.length;
    }

    it('are all read by one run, each with its own servers, and the home scope with its', async () => {
      await hour();
      const right = [await rightIn(OWN_REGION), await rightIn(OTHER), await rightIn(OTHERS_REGION)];
      expect(right).toEqual([SERVERS_EACH, SERVERS_EACH, SERVERS_EACH]);
      const home = await compareWithTruth(simulator, await readCache(clients, tableName));
      expect(home.filter(({ problem }) => problem !== undefined)).toEqual([]);
      expect(await summary()).toMatchObject({ scopes: 4, failing: [] });
    });

    it('fail alone: the run succeeds, the others are fresh, and the third time in a row it is told why', async () => {
      const before = await freshness(OTHERS_REGION);
      await simulator.inScope(OWN_REGION).addFault({ action: 'DescribeInstances', kind: 'unreachable' });
      await simulator.inScope(OTHERS_REGION).addFault({ action: 'LookupEvents', kind: 'throttle' });
      await simulator.inScope(OTHERS_REGION).addFault({ action: 'DescribeInstances', kind: 'throttle' });
      const fresh = await freshness(OTHER);
      for (let run = 1; run <= 3; run += 1) {
        await hour();
        expect((await summary()).failing.length).toBe(run < 3 ? 0 : 2);
      }
      const kinds = Object.fromEntries(
        (await summary()).failing.map(({ account, region, kind }) => [`${account}/${region}`, kind]),
      );
      expect(kinds).toEqual({
        [`${ACCOUNT}/${OTHER_REGION}`]: 'Unreachable',
        [`${OTHER_ACCOUNT}/${OTHER_REGION}`]: 'Throttled',
      });
      expect(await freshness(OTHERS_REGION)).toBe(before);
      expect(await freshness(OTHER)).not.toBe(fresh);
    });

    it('are healed by the next run, and a role that is missing is told too', async () => {
      await simulator.setRole(OTHER_ACCOUNT, false);
      // Sessions are kept for an hour: only a new process has to take the role on.
      await restartFunction();
      await hour();
      expect(await rightIn(OWN_REGION)).toBe(SERVERS_EACH);
      expect((await summary()).failing).toMatchObject([{ ...OTHERS_REGION, kind: 'RoleMissing' }]);
      await simulator.setRole(OTHER_ACCOUNT, true);
      await hour();
      expect(await rightIn(OTHERS_REGION)).toBe(SERVERS_EACH);
      expect((await summary()).failing).toEqual([]);
    });

    it.each([OWN_REGION, OTHER, OTHERS_REGION])('send state changes to the hub: $account $region', async (scope) => {
      const there = simulator.inScope(scope);
      const running = (await there.truth()).servers.find(({ state }) => state === 'running');
      if (!running) throw new Error('A fleet has a running server.');
      await there.change(running.id, 'stop');
      await putStateChange(clientsOf(scope), running.id, 'stopping');
      const cached = await eventually(async () => {
        const found = (await readCache(clients, tableName)).get(running.id);
        return found?.runningSince === undefined ? found : undefined;
      }, 5_000);
      expect(cached.id).toBe(running.id);
    });

    it('leave nothing behind when they are destroyed', async () => {
      for (const spoke of spokes) await spoke.destroy();
      await hub.destroy();
      const { stateMachines = [] } = await clients.sfn.send(new ListStateMachinesCommand({}));
      expect(stateMachines).toEqual([]);
    });

    /** Makes the next invocations start new processes. */
    async function restartFunction(): Promise<void> {
      const { Environment: current } = await clients.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: functionName }),
      );
      const Variables = { ...current?.Variables, RESTARTED_AT: new Date().toISOString() };
      await clients.lambda.send(
        new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Environment: { Variables } }),
      );
    }

    /** The newest timestamp of a scope's servers. */
    async function freshness(scope: Scope): Promise<string> {
      const cache = await readCache(clients, tableName);
      const ids = (await simulator.inScope(scope).truth()).servers.map(({ id }) => id);
      const own = ids.flatMap((id): CachedServer[] => [cache.get(id)].filter((found) => found !== undefined));
      return (
        own
          .map(({ cachedAt }) => cachedAt)
          .sort()
          .at(-1) ?? ''
      );
    }
  });
}

function clientsOf({ account, region }: Scope): Clients {
  const accessKeyId = account === ACCOUNT ? 'test' : account;
  return createClients(endpoint, { accessKeyId, secretAccessKey: 'test' }, region);
}

/** Puts a state change on the default bus, as EC2 does. */
async function putStateChange({ events }: Clients, id: string, state: string): Promise<void> {
  const entry = {
    Source: 'aws.ec2',
    DetailType: 'EC2 Instance State-change Notification',
    Detail: JSON.stringify({ 'instance-id': id, state }),
  };
  const { FailedEntryCount, Entries } = await events.send(new PutEventsCommand({ Entries: [entry] }));
  if (FailedEntryCount !== 0) throw new Error(`The event was not taken: ${JSON.stringify(Entries)}`);
}
