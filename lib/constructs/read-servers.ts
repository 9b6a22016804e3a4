import { Aws, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { RustHandler } from './rust-handler.ts';

/**
 * Lets a function ask EC2 which servers there are and which of them it may restart itself, and CloudTrail what happened to
 * them.
 */
export function allowReadingServers(scope: IConstruct, handler: RustHandler): void {
  handler.allow(
    new PolicyStatement({
      sid: 'ReadServersAndTheirEvents',
      // A Spot server's request tells whether EC2 itself may stop and start it again.
      actions: ['ec2:DescribeInstances', 'ec2:DescribeSpotInstanceRequests', 'cloudtrail:LookupEvents'],
      // None of them knows resources or tags to narrow it by; the region is all there is.
      resources: ['*'],
      conditions: { StringEquals: { 'aws:RequestedRegion': Aws.REGION } },
    }),
  );
  Validations.of(scope).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'ec2:DescribeInstances, ec2:DescribeSpotInstanceRequests and cloudtrail:LookupEvents support no resource-level ' +
      'permissions; they only read, and are limited to the region of the stack.',
  });
}
