import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cachedServers, calculate, clients, eventually, stack } from './deployed.ts';

type LogLine = Record<string, unknown>;

/** What a run leaves in the log for operators: lines to read and metrics to count. */
export function observation(): void {
  describe("the function's log", () => {
    let lines: LogLine[];

    beforeAll(async () => {
      const begin = Date.now();
      await calculate();
      const total = (await cachedServers()).size;
      lines = await eventually(async () => {
        const logged = await logSince(begin);
        return logged.filter(isCachedLine).length >= total ? logged : undefined;
      }, 10_000);
    });

    it('tells what was cached for each server, as text and as fields', async () => {
      for (const { id, minutes, uncertainty } of (await cachedServers()).values()) {
        const line = lines.find((candidate) => isCachedLine(candidate) && candidate.id === id);
        expect(line, id).toMatchObject({
          level: 'INFO',
          message: `Cached runtime for ${id}: ${minutes.toFixed(2)} minutes`,
          minutes,
          uncertainty,
        });
      }
    });

    it('holds the metrics in the embedded metric format', async () => {
      const servers = [...(await cachedServers()).values()];
      const line = lines.find(({ _aws }) => _aws !== undefined);
      expect(line).toMatchObject({
        _aws: { CloudWatchMetrics: [{ Namespace: 'runtime-cache/MonthlyRuntime', Dimensions: [['Environment']] }] },
        Environment: 'dev',
        ServersTotal: servers.length,
        ServersProcessed: servers.length,
        ServerErrors: 0,
        CloudTrailThrottles: 0,
      });
      expect(line?.CloudTrailLookups).toBeGreaterThan(0);
      const sum = servers.reduce((total, { minutes }) => total + minutes, 0);
      expect(line?.FleetRunningMinutes).toBeCloseTo(sum, 1);
    });
  });
}

function isCachedLine({ message }: LogLine): boolean {
  return typeof message === 'string' && message.startsWith('Cached runtime for ');
}

/** The JSON lines that the function has logged since an instant; Lambda's own lines between them are no JSON here. */
async function logSince(startTime: number): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const query = { logGroupName: `/aws/lambda/${stack.functionName}`, startTime };
  for await (const { events = [] } of paginateFilterLogEvents({ client: clients.logs }, query)) {
    for (const { message } of events) {
      if (message?.startsWith('{')) lines.push(JSON.parse(message) as LogLine);
    }
  }
  return lines;
}
