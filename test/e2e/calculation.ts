import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readAnswer } from '../local-aws/aws.ts';
import { PROJECT_ROOT } from '../local-aws/context.ts';
import { compareWithTruth, TOLERANCE_MINUTES } from '../local-aws/report.ts';
import {
  cachedServers,
  calculate,
  monthBefore,
  putItem,
  readItem,
  serverNamed,
  simulator,
  visibleServers,
  wholeTable,
  type Item,
} from './deployed.ts';

const EVENTS = join(PROJECT_ROOT, 'lambdas/calculate-monthly-runtime/events');

/** What of an item belongs to the cache. */
const OWN_ATTRIBUTES = [
  'runningMinutesCache',
  'runningMinutesCacheTimestamp',
  'runningMinutesCacheMonth',
  'runningMinutesUncertainty',
  'runningSince',
  'runningMinutesRevision',
];

/** Servers whose guest shut down and left no time anywhere: nobody can know when. */
const UNKNOWABLE = ['guest-shutdown-untimed', 'guest-shutdown-untold'];

/** Invocations by hand, and what they leave in the table. */
export function calculation(): void {
  describe('the calculation, invoked by hand', () => {
    const settings: Item = {
      runCommand: { S: './start.sh' },
      timezone: { S: 'Europe/Berlin' },
      players: { NS: ['1', '2'] },
    };
    const stranger: Item = {
      id: { S: 'i-0123456789abcdef0' },
      runCommand: { S: 'true' },
      runningMinutesUncertainty: { N: '7' },
    };
    let answer: unknown;

    beforeAll(async () => {
      for (const { id } of await visibleServers()) await putItem({ id: { S: id }, ...settings });
      await putItem(stranger);
      await simulator.resetRequests();
      answer = (await calculate()).payload;
    });

    it('answers how many servers it has processed', async () => {
      const total = (await visibleServers()).length;
      expect(readAnswer(answer)).toMatchObject({
        message: 'Monthly runtime calculation completed',
        total_servers: total,
        processed: total,
        errors: 0,
      });
    });

    it('caches a span for every server that has the truth inside', async () => {
      const comparisons = await compareWithTruth(simulator, await cachedServers());
      expect(comparisons.length).toBeGreaterThan(20);
      const wrong = comparisons.filter(({ problem }) => problem !== undefined);
      expect(wrong.map(({ server, cached, problem }) => ({ server, cached, problem }))).toEqual([]);
    });

    it('leaves nothing open where the records tell everything', async () => {
      const comparisons = await compareWithTruth(simulator, await cachedServers());
      const told = comparisons.filter(({ server }) => !UNKNOWABLE.includes(server.name ?? ''));
      expect(told.length).toBe(comparisons.length - UNKNOWABLE.length);
      const vague = told.filter(({ cached }) => !(cached && cached.uncertainty <= TOLERANCE_MINUTES));
      expect(vague.map(({ server, cached }) => ({ server, cached }))).toEqual([]);
    });

    it('writes its attributes as the contract has them', async () => {
      const { month } = await simulator.truth();
      for (const { id, state } of await visibleServers()) {
        const item = await readItem(id);
        expect(item.runningMinutesCache?.N, id).toMatch(/^\d+(\.\d{1,2})?$/);
        expect(item.runningMinutesUncertainty?.N, id).toMatch(/^\d+(\.\d{1,2})?$/);
        expect(item.runningMinutesCacheMonth?.S, id).toBe(month);
        expect(item.runningMinutesCacheTimestamp?.S, id).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        expect(item.runningSince !== undefined, `${id} has runningSince, and is ${state}`).toBe(state === 'running');
      }
    });

    it("leaves the application's attributes as they are", async () => {
      for (const { id } of await visibleServers()) {
        const others = Object.entries(await readItem(id)).filter(([name]) => !OWN_ATTRIBUTES.includes(name));
        expect(Object.fromEntries(others)).toEqual({ id: { S: id }, ...settings });
      }
    });

    it('leaves items of servers that EC2 does not show alone', async () => {
      expect(await readItem('i-0123456789abcdef0')).toEqual(stranger);
    });

    it('takes at most ten CloudTrail requests, none of them throttled', async () => {
      const { calls, throttled } = await simulator.requests('LookupEvents');
      expect(calls).toBeGreaterThan(0);
      expect(calls).toBeLessThanOrEqual(10);
      expect(throttled).toBe(0);
    });

    it('calculates only the servers it is asked for', async () => {
      const asked = await serverNamed('always-on');
      const before = await wholeTable();
      const { payload } = await calculate({ servers: [asked.id] });
      expect(readAnswer(payload)).toMatchObject({ total_servers: 1, processed: 1, errors: 0 });
      const after = await wholeTable();
      expect(after.get(asked.id)).not.toEqual(before.get(asked.id));
      before.delete(asked.id);
      after.delete(asked.id);
      expect(after).toEqual(before);
    });

    it.each(readdirSync(EVENTS).sort())('takes the event %s', async (file) => {
      const event = JSON.parse(readFileSync(join(EVENTS, file), 'utf8')) as Record<string, unknown>;
      const current = (await simulator.truth()).month;
      // The file names a month that was the last one once.
      if ('month' in event) event.month = monthBefore(current);
      const { payload, functionError } = await calculate(event);
      expect(functionError, JSON.stringify(payload)).toBeUndefined();
      const { total_servers: total } = readAnswer(payload);
      const visible = (await visibleServers()).length;
      if ('month' in event) {
        // Some were launched only after it.
        expect(total).toBeGreaterThan(20);
        expect(total).toBeLessThan(visible);
      } else {
        expect(total).toBe(Array.isArray(event.servers) ? event.servers.length : visible);
      }
      const months = new Set([...(await cachedServers()).values()].map(({ month }) => month).filter(Boolean));
      expect([...months], 'the cache stays with the current month').toEqual([current]);
    });
  });
}
