import { RemovalPolicy } from 'aws-cdk-lib';
import type { Environment } from '../settings.ts';

/**
 * What becomes of a table or log group that its stack lets go: in production it stays, but for one that a failed first
 * creation has just made. Its name would be in the way of the next attempt, and nothing is in it (ADR 0017).
 */
export function dataRemovalPolicy({ production }: Pick<Environment, 'production'>): RemovalPolicy {
  return production ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
