import { DescribeRuleCommand, ListTargetsByRuleCommand, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { cachedServers, clients, eventually, stack } from './deployed.ts';

/** The longest that MiniStack takes to fire a rule that is due every minute: the minute, and its look every 10 s. */
const PATIENCE_MS = 90_000;

/** The hourly rule and its target. */
export function schedule(): void {
  describe('the rule', () => {
    it('is due every hour and calls the function', async () => {
      expect(stack.ruleName).toBe('runtime-cache-dev-MonthlyRuntimeCalculationRule');
      const rule = await clients.events.send(new DescribeRuleCommand({ Name: stack.ruleName }));
      expect(rule).toMatchObject({ ScheduleExpression: 'rate(1 hour)', State: 'ENABLED' });
      const { Targets = [] } = await clients.events.send(new ListTargetsByRuleCommand({ Rule: stack.ruleName }));
      expect(Targets).toHaveLength(1);
      expect(Targets[0]?.Arn).toMatch(new RegExp(`:function:${stack.functionName}$`));
    });

    it('runs the calculation when it fires', async () => {
      const before = await latestCalculation();
      // An hour is too long to wait.
      const rule = { Name: stack.ruleName, State: 'ENABLED' } as const;
      await clients.events.send(new PutRuleCommand({ ...rule, ScheduleExpression: 'rate(1 minute)' }));
      try {
        const after = await eventually(async () => {
          const latest = await latestCalculation();
          return latest > before ? latest : undefined;
        }, PATIENCE_MS);
        expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
      } finally {
        await clients.events.send(new PutRuleCommand({ ...rule, ScheduleExpression: 'rate(1 hour)' }));
      }
    });
  });
}

/** When the newest value of the cache was calculated. */
async function latestCalculation(): Promise<string> {
  const times = [...(await cachedServers()).values()].map(({ cachedAt }) => cachedAt).sort();
  const latest = times.at(-1);
  if (latest === undefined) throw new Error('Nothing is cached yet.');
  return latest;
}
