import { Aws, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { readerRoleName } from '../naming.ts';
import { furtherHomeRegions, otherAccounts } from '../scopes.ts';
import type { Environment } from '../settings.ts';
import type { RustHandler } from './rust-handler.ts';

/**
 * What is asked of a scope's EC2 and CloudTrail. A Spot server's request tells whether EC2 itself may stop and start it
 * again.
 */
export const READING_ACTIONS = [
  'ec2:DescribeInstances',
  'ec2:DescribeSpotInstanceRequests',
  'cloudtrail:LookupEvents',
] as const;

/** What is asked of a scope's CloudWatch: when a server's status was checked, which is while it runs. */
export const SAMPLES_ACTIONS = ['cloudwatch:GetMetricData'] as const;

/**
 * Lets a function ask EC2 which servers there are and which of them it may restart itself, and CloudTrail what happened to
 * them, and `more` than that; of other accounts, as the role that each of them has for it.
 */
export function allowReadingServers(
  scope: IConstruct,
  handler: RustHandler,
  environment: Environment,
  more: readonly string[] = [],
): void {
  const regions = [Aws.REGION, ...furtherHomeRegions(environment)];
  handler.allow(
    new PolicyStatement({
      sid: 'ReadServersAndTheirEvents',
      actions: [...READING_ACTIONS, ...more],
      // None of them knows resources or tags to narrow it by; the region is all there is.
      resources: ['*'],
      conditions: { StringEquals: { 'aws:RequestedRegion': regions.length === 1 ? Aws.REGION : regions } },
    }),
  );
  acknowledgeReadingAll(scope, 'they only read, and are limited to the regions that are counted.');
  const accounts = otherAccounts(environment);
  if (accounts.length === 0) return;
  const roles = accounts.map((account) =>
    Stack.of(scope).formatArn({
      service: 'iam',
      region: '',
      account,
      resource: 'role',
      resourceName: readerRoleName(environment.name),
    }),
  );
  handler.allow(new PolicyStatement({ sid: 'BecomeReader', actions: ['sts:AssumeRole'], resources: roles }));
}

/** Tells why reading servers and their events is allowed without naming any. */
export function acknowledgeReadingAll(scope: IConstruct, limits: string): void {
  const actions = [...READING_ACTIONS, ...SAMPLES_ACTIONS].join(', ');
  Validations.of(scope).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: `${actions} support no resource-level permissions; ${limits}`,
  });
}
