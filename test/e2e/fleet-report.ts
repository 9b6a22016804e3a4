import { GetItemCommand, QueryCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNoBrowser, launchChromium } from '../browser/browser.ts';
import { invoke } from '../local-aws/aws.ts';
import { findProblem } from '../local-aws/report.ts';
import {
  cachedServers,
  calculate,
  clients,
  functionSession,
  serverNamed,
  simulator,
  stack,
  visibleServers,
  wholeTable,
  type InvocationError,
} from './deployed.ts';

/** A server's month, as far as it is looked at here. */
interface Row {
  readonly id: string;
  readonly account: string;
  readonly name: string | null;
  readonly state: string;
  readonly month: string;
  readonly minutes: number;
  readonly uncertainty: number;
  readonly asOf: string;
  readonly days: readonly number[];
}

interface Fleet {
  readonly totals: { readonly servers: number; readonly minutes: number };
  readonly scopes: readonly { readonly failing: boolean; readonly lastSuccess: string }[];
  readonly servers: readonly Row[];
  readonly next: string | null;
}

async function report<T>(request: object): Promise<T> {
  const { payload, functionError } = await invoke(clients, stack.fleetReportName, request);
  if (functionError) throw new Error(`The report failed: ${JSON.stringify(payload)}`);
  return payload as T;
}

/** The fleet as the deployed function reports it. */
export function fleetReport(): void {
  describe('the fleet report', () => {
    let fleet: Fleet;

    beforeAll(async () => {
      await calculate();
      fleet = await report({ report: 'fleet' });
    });

    it('has every server with the minutes of the cache, and the truth inside', async () => {
      const cached = await cachedServers();
      const { servers: truth } = await simulator.truth();
      const rows = new Map(fleet.servers.map((row) => [row.id, row]));
      for (const { id, name } of await visibleServers()) {
        const row = rows.get(id);
        expect(row, name ?? id).toMatchObject({ name, minutes: cached.get(id)?.minutes });
        expect(row?.uncertainty).toBe(cached.get(id)?.uncertainty);
        const server = truth.find((one) => one.id === id);
        expect(server && findProblem(server, cached.get(id)), id).toBeUndefined();
      }
      const sum = fleet.servers.reduce((total, { minutes }) => total + minutes, 0);
      expect(fleet.totals).toMatchObject({ servers: fleet.servers.length });
      expect(fleet.totals.minutes).toBeCloseTo(sum, 2);
      expect(fleet).toMatchObject({ scopes: [{ failing: false }], next: null });
    });

    it('says the same as CSV, as another library reads it', async () => {
      const { csv } = await report<{ csv: string }>({ report: 'fleet', format: 'csv' });
      const records = parse<Record<string, string>>(csv, { columns: true });
      expect(records.map(({ id }) => id)).toEqual(fleet.servers.map(({ id }) => id));
      for (const [index, record] of records.entries()) {
        const row = fleet.servers[index];
        expect([record.name, Number(record.minutes), Number(record.uncertainty), record.asOf]).toEqual([
          row?.name ?? '',
          row?.minutes,
          row?.uncertainty,
          row?.asOf,
        ]);
      }
    });

    it("has a server's months, and tells why a number is what it is", async () => {
      const { id } = await serverNamed('guest-shutdown-untimed');
      const { months } = await report<{ months: readonly Row[] }>({ report: 'server', id });
      const now = fleet.servers.find((row) => row.id === id);
      expect(months.at(-1)).toEqual(now);
      const text = await report<string>({ report: 'explain', id, format: 'text' });
      expect(text).toContain(`${id} in ${now?.month ?? ''}`);
      // Two minutes around the shutdown: CloudWatch has told of the rest.
      expect(text).toMatch(/209\.00 +ran .*started/);
      expect(text).toMatch(/2\.00 +possible +\S+ \S+ +\S+ \S+ +from: .*sampled every minute .*CloudWatch/);
    });

    it.skipIf(hasNoBrowser)('is drawn by a browser', async () => {
      const browser = await launchChromium();
      try {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
        const failures: string[] = [];
        page.on('pageerror', (error) => failures.push(error.message));
        await page.setContent(await report<string>({ report: 'fleet', format: 'html' }));
        expect(await page.locator('tbody tr').count()).toBe(fleet.servers.length);
        expect(await page.locator('script').count()).toBe(0);
        const { id } = await serverNamed('always-on');
        await page.setContent(await report<string>({ report: 'server', id, format: 'html' }));
        expect(await page.locator('h1').innerText()).toBe('always-on');
        expect(await page.locator('svg.axis rect.proven').count()).toBeGreaterThan(0);
        expect(failures).toEqual([]);
      } finally {
        await browser.close();
      }
    });

    it("answers as CloudWatch's widgets ask", async () => {
      expect(await report<string>({ describe: true })).toContain('report: fleet');
      const widgetContext = { theme: 'dark', width: 600, height: 400, forms: { all: { state: 'running' } } };
      const widget = await report<string>({ report: 'fleet', widgetContext });
      expect(widget).toMatch(/^<div class="cwdb-no-default-styles report dark narrow">/);
      expect(widget).toContain(`:function:${stack.fleetReportName}">`);
      expect(widget).not.toContain('○ stopped');
    });

    it('refuses by name what cannot be asked for', async () => {
      const { payload, functionError } = await invoke(clients, stack.fleetReportName, {
        report: 'fleet',
        moth: '2026-11',
      });
      expect(functionError).toBeDefined();
      expect((payload as InvocationError).errorMessage).toContain('unknown field `moth`');
      expect((payload as InvocationError).errorType).toBe('InvalidRequest');
    });

    it('changes nothing, and its role could not', async () => {
      const before = await wholeTable();
      await report({ report: 'fleet', format: 'html' });
      expect(await wholeTable()).toEqual(before);
      const { id } = await serverNamed('always-on');
      const session = await functionSession(stack.fleetReportName);
      const { month } = await simulator.truth();
      const Key = { id: { S: id }, month: { S: month } };
      const ledger = { TableName: stack.historyTableName };
      expect((await session.clients.dynamoDb.send(new GetItemCommand({ ...ledger, Key }))).Item).toBeDefined();
      const byId = { KeyConditionExpression: 'id = :id', ExpressionAttributeValues: { ':id': { S: id } } };
      const { dynamoDb } = session.clients;
      const refused = [
        () => dynamoDb.send(new UpdateItemCommand({ ...ledger, Key, UpdateExpression: 'REMOVE minutes' })),
        () => dynamoDb.send(new ScanCommand(ledger)),
        () => dynamoDb.send(new GetItemCommand({ TableName: stack.tableName, Key: { id: { S: id } } })),
        () => dynamoDb.send(new QueryCommand({ TableName: stack.tableName, ...byId })),
      ];
      for (const request of refused) await expect(request()).rejects.toThrow(/is not authorized to perform/);
    });
  });
}
