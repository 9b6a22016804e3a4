import { QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { readAnswer } from '../local-aws/aws.ts';
import { ACCOUNT, REGION } from '../local-aws/context.ts';
import {
  calculate,
  calculateInVain,
  clients,
  monthBefore,
  runAgainstTheLocalDynamoDb,
  simulator,
  stack,
  visibleServers,
  type Item,
} from './deployed.ts';

/** What is kept from run to run. */
export function history(): void {
  describe('the ledger', () => {
    let month: string;

    beforeAll(async () => {
      await calculate();
      month = (await simulator.truth()).month;
    });

    it('has an item per server of the month, found by the index', async () => {
      const query = new QueryCommand({
        TableName: stack.historyTableName,
        IndexName: 'scopeMonth',
        KeyConditionExpression: 'scopeMonth = :key',
        ExpressionAttributeValues: { ':key': { S: `${ACCOUNT}/${REGION}/${month}` } },
      });
      const { Items = [] } = await clients.dynamoDb.send(query);
      const ids = Items.map(({ id }) => id?.S).sort();
      expect(ids).toEqual((await visibleServers()).map(({ id }) => id).sort());
      for (const item of Items) expect(Number(item.minutes?.N)).toBeGreaterThanOrEqual(0);
    });

    it('tells each day of the month, and the days sum to the minutes', async () => {
      for (const item of await items(month)) {
        const hundredths = (item.days?.L ?? []).map(({ N }) => Math.round(Number(N) * 100));
        const sum = hundredths.reduce((total, day) => total + day, 0);
        expect(sum, item.id?.S).toBe(Math.round(Number(item.minutes?.N) * 100));
        for (const day of hundredths) expect(day).toBeLessThanOrEqual(144_000);
      }
    });

    it('names the source of every piece of evidence', async () => {
      const evidence = (await items(month)).flatMap(({ evidence: told }) => told?.SS ?? []);
      expect(evidence.length).toBeGreaterThan(50);
      for (const told of evidence) {
        expect(told).toMatch(
          /^\d{4}-\d\d-\d\dT\S+Z [a-z-]+(\(\S+\))? (EC2|CloudWatch|CloudTrail \w+ \S*|state-change \S*)$/,
        );
      }
    });

    it('keeps how far CloudTrail has been read, so that the next run reads only what is new', async () => {
      await simulator.resetRequests();
      const { payload } = await calculate();
      const { calls } = await simulator.requests('LookupEvents');
      expect(readAnswer(payload).errors).toBe(0);
      // A page for each of the six event names, and as many more while some server's past is still open.
      expect(calls).toBeLessThanOrEqual(18);
      const [watermark] = (await wholeHistory()).filter(({ month: of }) => of?.S === 'watermark');
      expect(watermark?.id?.S).toBe(`sweep#${ACCOUNT}/${REGION}`);
      expect(watermark?.coverage?.L).toHaveLength(1);
    });

    it('refuses to change a month that is final, unless it is reopened', async () => {
      const before = monthBefore(monthBefore(month));
      const asked = { month: before };
      await calculate(asked);
      const final = await items(before);
      expect(final.length).toBeGreaterThan(0);
      expect(final.every(({ final: isFinal }) => isFinal?.BOOL)).toBe(true);
      const { errorMessage } = await calculateInVain(asked);
      expect(errorMessage).toContain(`month ${before} is final: add "reopen": true`);
      const { functionError, payload } = await calculate({ ...asked, reopen: true });
      expect(functionError, JSON.stringify(payload)).toBeUndefined();
      expect(await items(before)).toEqual(final);
    });

    it('loses nothing to writers at one time', async () => {
      await runAgainstTheLocalDynamoDb('concurrent_writers');
    }, 600_000);
  });
}

async function wholeHistory(): Promise<Item[]> {
  const scan = new ScanCommand({ TableName: stack.historyTableName, ConsistentRead: true });
  return (await clients.dynamoDb.send(scan)).Items ?? [];
}

/** The items of a month, sorted by server, their sets in order. */
async function items(month: string): Promise<Item[]> {
  const ofMonth = (await wholeHistory()).filter((item) => item.month?.S === month);
  for (const { evidence } of ofMonth) evidence?.SS?.sort();
  return ofMonth.sort((a, b) => String(a.id?.S).localeCompare(String(b.id?.S)));
}
