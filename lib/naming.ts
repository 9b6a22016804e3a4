/** The application's name: prefix of stacks, physical names and the metric namespace. */
export const APP_NAME = 'runtime-cache';

/** Namespace of the metrics that the handlers emit, with the one dimension `Environment`. */
export const METRIC_NAMESPACE = `${APP_NAME}/MonthlyRuntime`;

/** Name of an environment's stack: what `cdk deploy` takes. */
export function stackName(environment: string): string {
  return `${APP_NAME}-${environment}`;
}

/** Physical name of a resource: `<app>-<env>-<name>`. */
export function physicalName(environment: string, name: string): string {
  return `${APP_NAME}-${environment}-${name}`;
}
