import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import { graphs, WHOLE_WIDTH } from '../../lib/constructs/fleet-dashboard.ts';

describe('a row of graphs', () => {
  const graph = (title: string): [string, Metric[]] => [
    title,
    [new Metric({ namespace: 'test', metricName: 'Servers' })],
  ];

  test.each([1, 2, 3, 4, 5, 7])('of %i takes the whole width, and no two differ by more than one', (number) => {
    const widths = graphs(...Array.from({ length: number }, (_, n) => graph(`graph ${n}`))).map(({ width }) => width);
    expect(widths.reduce((sum, width) => sum + width)).toBe(WHOLE_WIDTH);
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThanOrEqual(1);
  });
});
