import type { Scope } from './scopes.ts';

/** The application's name: prefix of stacks, physical names and the metric namespace. */
export const APP_NAME = 'runtime-cache';

/** Namespace of the metrics that the handlers emit, with the one dimension `Environment`. */
export const METRIC_NAMESPACE = `${APP_NAME}/MonthlyRuntime`;

/** Name of an environment's stack: what `cdk deploy` takes. */
export function stackName(environment: string): string {
  return `${APP_NAME}-${environment}`;
}

/** Name of the stack of a further scope. */
export function spokeStackName(environment: string, { account, region }: Scope): string {
  return `${stackName(environment)}-spoke-${account}-${region}`;
}

/** Name of the role by which servers of another account are read. */
export function readerRoleName(environment: string): string {
  return physicalName(environment, 'reader');
}

/** Name of the hub's own bus, to which the spokes send the state changes of their servers. */
export function busName(environment: string): string {
  return stackName(environment);
}

/** Physical name of a resource: `<app>-<env>-<name>`. */
export function physicalName(environment: string, name: string): string {
  return `${APP_NAME}-${environment}-${name}`;
}
