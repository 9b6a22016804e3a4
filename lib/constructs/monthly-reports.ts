import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { APP_NAME, physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import { dataRemovalPolicy } from './removal-policy.ts';
import type { RustHandler } from './rust-handler.ts';

/** Where reports are in the bucket: `reports/<month>/<account>/<region>.csv` and `.json`. */
const PREFIX = 'reports/';

/** The kind of the event that tells of a report, as `crates/uptime-aws/src/month_reports.rs` sends it. */
export const MONTH_IS_FINAL = { source: APP_NAME, detailType: 'Monthly Runtime Final' };

/** The months that are final, as files for whoever bills by them. */
export class MonthlyReports extends Construct {
  /** Name of the bucket. */
  readonly bucketName: string;

  private readonly bucket: Bucket;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    this.bucket = new Bucket(this, 'Bucket', {
      // Names of buckets are everybody's.
      bucketName: `${physicalName(environment.name, 'reports')}-${account}-${region}`,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      // A month that is reopened is written anew, and what was billed by stays.
      versioned: true,
      removalPolicy: dataRemovalPolicy(environment),
    });
    (this.bucket.node.defaultChild as CfnBucket).overrideLogicalId('ReportsBucket');
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Two files a month and scope, which are made anew from the ledger at any time: a log of who reads them is for the account to decide.',
    });
    this.bucketName = this.bucket.bucketName;
  }

  /** Lets a function hand months over: write files, and say so on the account's default bus. */
  allowHandingOver(handler: RustHandler): void {
    handler.allow(
      new PolicyStatement({
        sid: 'WriteReports',
        actions: ['s3:PutObject'],
        resources: [this.bucket.arnForObjects(`${PREFIX}*`)],
      }),
    );
    Validations.of(handler).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<ReportsBucket.Arn>/${PREFIX}*]`,
      reason: 'The names of the files are months, accounts and regions to come; no other prefix is written.',
    });
    handler.allow(
      new PolicyStatement({
        sid: 'AnnounceReports',
        actions: ['events:PutEvents'],
        resources: [EventBus.fromEventBusName(this, 'DefaultBus', 'default').eventBusArn],
        conditions: {
          StringEquals: { 'events:source': MONTH_IS_FINAL.source, 'events:detail-type': MONTH_IS_FINAL.detailType },
        },
      }),
    );
  }
}
