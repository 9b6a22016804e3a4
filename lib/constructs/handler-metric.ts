import { Metric, Stats, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IConstruct } from 'constructs';
import { METRIC_NAMESPACE } from '../naming.ts';

/** A metric that a handler emits itself, in the region and account of a construct. */
export function handlerMetric(scope: IConstruct, environment: string, name: string, options?: MetricOptions): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: { Environment: environment },
    statistic: Stats.SUM,
    ...options,
  }).attachTo(scope);
}
