import { PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareWithTruth } from '../local-aws/report.ts';
import type { Fault } from '../local-aws/simulator.ts';
import { AlarmSubscriber } from './alarm-subscriber.ts';
import {
  cachedServers,
  calculate,
  calculateInVain,
  clients,
  eventually,
  simulator,
  stack,
  wholeTable,
} from './deployed.ts';

/** What can go wrong, and who hears of it. */
export function failures(): void {
  describe('a calculation that fails', () => {
    beforeAll(async () => {
      // There is something to lose.
      await calculate();
      expect((await cachedServers()).size).toBeGreaterThan(20);
    });

    afterEach(async () => {
      await simulator.clearFaults();
    });

    it.each<[string, Fault, RegExp]>([
      [
        'read CloudTrail',
        { action: 'LookupEvents', kind: 'accessDenied' },
        /not authorized to perform: cloudtrail:LookupEvents/,
      ],
      ['list servers', { action: 'DescribeInstances', kind: 'accessDenied' }, /not authorized to perform/],
    ])("may not %s: passes on the service's own message and overwrites nothing", async (_, fault, message) => {
      const before = await wholeTable();
      await simulator.addFault(fault);
      const { errorMessage } = await calculateInVain();
      expect(errorMessage).toMatch(message);
      expect(await wholeTable()).toEqual(before);
    });

    it.each<[string, unknown, RegExp]>([
      ['an unknown field', { servres: [] }, /servres/],
      ['a malformed month', { month: '2025-1' }, /month.*2025-1|2025-1.*month/i],
      ['a month that does not exist', { month: '2025-13' }, /2025-13/],
      ['a month in the future', { month: '2999-01' }, /2999-01/],
      ['a month long gone', { month: '2019-01' }, /2019-01/],
      ['a malformed instance id', { servers: ['i-nonsense'] }, /i-nonsense/],
      ['servers that are no list', { servers: 'i-0123456789abcdef0' }, /servers|list|sequence/i],
      ['something that is no object', ['i-0123456789abcdef0'], /.+/],
    ])('refuses %s, says so and writes nothing', async (_, event, message) => {
      const before = await wholeTable();
      const { errorMessage } = await calculateInVain(event);
      expect(errorMessage).toMatch(message);
      expect(await wholeTable()).toEqual(before);
    });

    it('raises an alarm that reaches a subscriber of the topic', async () => {
      const subscriber = await AlarmSubscriber.listen(clients.sns, stack.topicArn);
      try {
        await simulator.addFault({ action: 'LookupEvents', kind: 'accessDenied' });
        // As often as a run and its retries fail.
        for (let attempt = 0; attempt < 3; attempt += 1) await calculateInVain();
        // MiniStack looks at its alarms whenever it is given a metric, whichever it is.
        const tick = { Namespace: 'e2e', MetricData: [{ MetricName: 'Tick', Value: 1 }] };
        await clients.cloudWatch.send(new PutMetricDataCommand(tick));
        const alarm = await eventually(
          () => subscriber.alarms.find(({ AlarmName }) => AlarmName.endsWith('calculation-failing')),
          10_000,
        );
        expect(alarm).toMatchObject({ AlarmName: 'runtime-cache-dev-calculation-failing', NewStateValue: 'ALARM' });
        expect(alarm.AlarmDescription).toMatch(/Runbook: https:\/\/\S+#calculation-failing$/);
      } finally {
        await subscriber.close();
      }
    });

    it('ends in the dead-letter queue where nobody waits for an answer', async () => {
      const event = { servers: ['i-nonsense'] };
      await clients.lambda.send(
        new InvokeCommand({
          FunctionName: stack.functionName,
          InvocationType: 'Event',
          Payload: JSON.stringify(event),
        }),
      );
      const letter = await eventually(async () => {
        const receive = new ReceiveMessageCommand({ QueueUrl: stack.queueUrl, WaitTimeSeconds: 1 });
        return (await clients.sqs.send(receive)).Messages?.[0]?.Body;
      }, 30_000);
      expect(letter).toContain('i-nonsense');
    });
  });

  describe('a calculation in difficulties', () => {
    afterEach(async () => {
      await simulator.clearFaults();
    });

    it.each<Fault['kind']>(['throttle', 'error500'])('outlasts a passing %s of CloudTrail', async (kind) => {
      await simulator.resetRequests();
      await simulator.addFault({ action: 'LookupEvents', kind, count: 2 });
      const { payload, functionError } = await calculate();
      expect(functionError, JSON.stringify(payload)).toBeUndefined();
      const { throttled, faults } = await simulator.requests('LookupEvents');
      expect(throttled + faults).toBeGreaterThanOrEqual(2);
      const comparisons = await compareWithTruth(simulator, await cachedServers());
      expect(comparisons.filter(({ problem }) => problem !== undefined)).toEqual([]);
    });
  });
}
