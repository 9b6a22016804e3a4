import { InvokeCommand } from '@aws-sdk/client-lambda';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { invoke } from '../local-aws/aws.ts';
import { compareWithTruth } from '../local-aws/report.ts';
import { stateChange } from '../local-aws/state-change.ts';
import {
  cachedServers,
  calculate,
  clients,
  eventually,
  readItem,
  runAgainstTheLocalDynamoDb,
  serverNamed,
  simulator,
  stack,
  wholeTable,
} from './deployed.ts';

/** Hands an event to the function and waits for its answer. */
async function respond(event: unknown): Promise<Record<string, unknown>> {
  const { payload, functionError } = await invoke(clients, stack.eventResponseName, event);
  if (functionError) throw new Error(`The event should have been answered: ${JSON.stringify(payload)}`);
  return payload as Record<string, unknown>;
}

/** Every value is right after all that has happened. */
async function expectTheTruth(): Promise<void> {
  const comparisons = await compareWithTruth(simulator, await cachedServers());
  expect(comparisons.filter(({ problem }) => problem !== undefined)).toEqual([]);
}

/** State changes as they happen, before, between and after hourly runs. */
export function stateChanges(): void {
  describe('a state change', () => {
    it('is answered from what is kept, and warms the cache', async () => {
      await calculate();
      const { id } = await serverNamed('always-on');
      await simulator.change(id, 'stop');
      const stopped = await respond(stateChange(id, 'stopping'));
      expect(stopped).toMatchObject({ id, state: 'stopping', runningMinutes: expect.any(Number) as unknown });
      expect(stopped.runningMinutesCacheTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const item = await readItem(id);
      expect(item.runningSince).toBeUndefined();
      expect(Number(item.runningMinutesCache?.N)).toBe(stopped.runningMinutes);
      await expectTheTruth();

      // Of a stop and a start within one second nobody could tell which came last.
      await sleep(1_100);
      await simulator.change(id, 'start');
      const started = await respond(stateChange(id, 'running'));
      expect(started.runningMinutes).toBeGreaterThanOrEqual(Number(stopped.runningMinutes));
      expect((await readItem(id)).runningSince?.S).toBeDefined();
      await expectTheTruth();

      await calculate();
      await expectTheTruth();
      await sleep(1_100);
      await simulator.change(id, 'reboot');
      await simulator.change(id, 'terminate');
      await respond(stateChange(id, 'shutting-down'));
      await respond(stateChange(id, 'terminated'));
      expect((await readItem(id)).runningSince).toBeUndefined();
      await expectTheTruth();
      await calculate();
      await expectTheTruth();
    });

    it('told twice changes nothing the second time', async () => {
      const { id } = await serverNamed('always-off');
      await simulator.change(id, 'start');
      const running = stateChange(id, 'running');
      await respond(running);
      const once = await wholeTable();
      await respond(running);
      expect(await wholeTable()).toEqual(once);
    });

    it('of an instance without the tag is ignored, and writes nothing', async () => {
      const before = await wholeTable();
      const id = 'i-0fffffffffffffff0';
      expect(await respond(stateChange(id, 'running'))).toEqual({
        id,
        ignored: expect.stringMatching(/^not tagged App=/) as unknown,
      });
      expect(await wholeTable()).toEqual(before);
    });

    it.each<[string, unknown, RegExp]>([
      ['no event at all', { servers: [] }, /not an EventBridge event/],
      ['a malformed instance id', stateChange('i-nonsense', 'running'), /detail\.instance-id: `i-nonsense`/],
      ['an unknown state', stateChange('i-0123456789abcdef0', 'asleep'), /detail\.state: `asleep`/],
      [
        'a time in the future',
        stateChange('i-0123456789abcdef0', 'running', new Date(Date.now() + 3_600_000)),
        /in the future/,
      ],
      [
        'a time long gone',
        stateChange('i-0123456789abcdef0', 'running', new Date('2019-01-01T00:00:00Z')),
        /before the ledger/,
      ],
    ])('with %s is refused by name, and writes nothing', async (_, event, message) => {
      const before = await wholeTable();
      const { payload, functionError } = await invoke(clients, stack.eventResponseName, event);
      expect(functionError).toBeDefined();
      expect((payload as { errorMessage: string }).errorMessage).toMatch(message);
      expect(await wholeTable()).toEqual(before);
    });

    it('that fails for good is a dead letter, and is answered when it is handed over again', async () => {
      const { id } = await serverNamed('stopped-at-hour-10');
      await simulator.change(id, 'start');
      const event = stateChange(id, 'asleep');
      await clients.lambda.send(
        new InvokeCommand({
          FunctionName: stack.eventResponseName,
          InvocationType: 'Event',
          Payload: JSON.stringify(event),
        }),
      );
      const letter = await eventually(async () => {
        const receive = new ReceiveMessageCommand({ QueueUrl: stack.eventQueueUrl, WaitTimeSeconds: 1 });
        return (await clients.sqs.send(receive)).Messages?.[0];
      }, 30_000);
      // Its cause removed, it is handed over again.
      const body = JSON.parse((letter.Body ?? '').replaceAll('asleep', 'running')) as { requestPayload?: unknown };
      // On AWS the letter is the event; MiniStack wraps it as for a destination.
      expect(await respond(body.requestPayload ?? body)).toMatchObject({ id, state: 'running' });
      await clients.sqs.send(
        new DeleteMessageCommand({ QueueUrl: stack.eventQueueUrl, ReceiptHandle: letter.ReceiptHandle }),
      );
      await expectTheTruth();
    });

    it('ends in the same table, whatever the order: 10,000 of 500 servers, twice, by 8 at one time', async () => {
      await runAgainstTheLocalDynamoDb('any_order');
    }, 1_200_000);
  });
}
