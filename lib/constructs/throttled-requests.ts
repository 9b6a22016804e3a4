import { MathExpression, type IMetric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable, Operation } from 'aws-cdk-lib/aws-dynamodb';

/** Requests to a table that DynamoDB throttled, over the operations that are used. */
export function throttledRequests(
  table: ITable,
  operations: readonly Operation[],
  options: Pick<MetricOptions, 'period'> = {},
): MathExpression {
  const throttled = (operation: Operation): IMetric =>
    table.metric('ThrottledRequests', {
      statistic: 'Sum',
      dimensionsMap: { TableName: table.tableName, Operation: operation },
      ...options,
    });
  const metrics = Object.fromEntries(operations.map((operation) => [`throttled${operation}`, throttled(operation)]));
  return new MathExpression({
    label: 'Throttled requests',
    // DynamoDB reports only operations that were throttled.
    expression: Object.keys(metrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(' + '),
    usingMetrics: metrics,
    ...options,
  });
}
