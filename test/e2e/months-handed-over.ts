import {
  DeleteRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MONTH_IS_FINAL } from '../../lib/constructs/monthly-reports.ts';
import { ACCOUNT, ENVIRONMENT, REGION } from '../local-aws/context.ts';
import {
  calculate,
  calculateInVain,
  clients,
  eventually,
  functionSession,
  monthBefore,
  simulator,
  stack,
} from './deployed.ts';

const RULE = 'e2e-months-that-are-final';

interface Announcement {
  readonly detail: {
    readonly month: string;
    readonly bucket: string;
    readonly csv: { readonly key: string; readonly versionId: string | null };
    readonly totals: { readonly servers: number; readonly minutes: number };
  };
}

/** The file of a month, as it is now. */
async function file(key: string): Promise<string> {
  const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket: stack.reportsBucketName, Key: key }));
  return (await Body?.transformToString()) ?? '';
}

async function versions(key: string): Promise<number> {
  const list = new ListObjectVersionsCommand({ Bucket: stack.reportsBucketName, Prefix: key });
  return ((await clients.s3.send(list)).Versions ?? []).length;
}

/** What becomes of a month that is final. */
export function monthsHandedOver(): void {
  describe('a month that is final', () => {
    let month: string;
    let queueUrl: string;
    let key: string;

    beforeAll(async () => {
      ({ QueueUrl: queueUrl = '' } = await clients.sqs.send(new CreateQueueCommand({ QueueName: RULE })));
      const attributes = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] });
      const { Attributes } = await clients.sqs.send(attributes);
      const EventPattern = JSON.stringify({
        source: [MONTH_IS_FINAL.source],
        'detail-type': [MONTH_IS_FINAL.detailType],
      });
      await clients.events.send(new PutRuleCommand({ Name: RULE, EventPattern }));
      const Targets = [{ Id: 'queue', Arn: Attributes?.QueueArn ?? '' }];
      await clients.events.send(new PutTargetsCommand({ Rule: RULE, Targets }));
      // Two months before: `history.ts` has made the one before last final.
      month = monthBefore(monthBefore((await simulator.truth()).month));
      key = `reports/${month}/${ACCOUNT}/${REGION}`;
    });

    afterAll(async () => {
      await clients.events.send(new RemoveTargetsCommand({ Rule: RULE, Ids: ['queue'] }));
      await clients.events.send(new DeleteRuleCommand({ Name: RULE }));
      await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
    });

    async function announced(): Promise<Announcement> {
      return await eventually(async () => {
        const receive = new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 1 });
        const [message] = (await clients.sqs.send(receive)).Messages ?? [];
        return message ? (JSON.parse(message.Body ?? '') as Announcement) : undefined;
      }, 20_000);
    }

    it('is a file of rows and a document, both under its month, account and region', async () => {
      const { payload, functionError } = await calculate({ report: 'month', month });
      expect(functionError, JSON.stringify(payload)).toBeUndefined();
      const document = JSON.parse(await file(`${key}.json`)) as {
        totals: { servers: number; minutes: number };
        servers: { id: string; minutes: number; final: boolean }[];
      };
      expect(document).toMatchObject({ month, account: ACCOUNT, region: REGION, unreadable: [] });
      expect(document.servers.every(({ final }) => final)).toBe(true);
      const rows = parse<Record<string, string>>(await file(`${key}.csv`), { columns: true });
      expect(rows.map(({ id, minutes }) => [id, Number(minutes)])).toEqual(
        document.servers.map(({ id, minutes }) => [id, minutes]),
      );
      expect(document.totals.servers).toBe(rows.length);
      expect(rows.length).toBeGreaterThan(0);
    });

    it('is announced on the default bus, with where it is and what it comes to', async () => {
      const { detail } = await announced();
      expect(detail).toMatchObject({
        environment: ENVIRONMENT,
        month,
        account: ACCOUNT,
        region: REGION,
        bucket: stack.reportsBucketName,
        csv: { key: `${key}.csv` },
        json: { key: `${key}.json` },
      });
      expect(detail.csv.versionId).toMatch(/\S/);
      expect(detail.totals.servers).toBeGreaterThan(0);
    });

    it('is written anew, as a new version, where it is reopened', async () => {
      const before = await versions(`${key}.csv`);
      const { payload, functionError } = await calculate({ month, reopen: true });
      expect(functionError, JSON.stringify(payload)).toBeUndefined();
      expect(await versions(`${key}.csv`)).toBe(before + 1);
      expect((await announced()).detail.month).toBe(month);
    });

    it('is not handed over while it goes on', async () => {
      const { errorMessage } = await calculateInVain({ report: 'month', month: (await simulator.truth()).month });
      expect(errorMessage).toContain('is not final for this scope');
    });

    it("is in a bucket that the function's role can write under one prefix, and not read", async () => {
      const { s3 } = (await functionSession(stack.functionName)).clients;
      const object = { Bucket: stack.reportsBucketName, Body: 'e2e' };
      await s3.send(new PutObjectCommand({ ...object, Key: 'reports/e2e' }));
      await expect(s3.send(new PutObjectCommand({ ...object, Key: 'elsewhere/e2e' }))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
      await expect(s3.send(new GetObjectCommand({ ...object, Key: `${key}.csv` }))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
    });
  });
}
