import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { MONTH_IS_FINAL } from '../../lib/constructs/monthly-reports.ts';
import { rustSources } from '../support/rust-sources.ts';
import { resources, synthesize, testEnvironment } from '../support/synth.ts';

const template = synthesize(testEnvironment());

describe('the bucket of final months', () => {
  test('is private, encrypted, versioned, and named after app, environment, account and region', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: {
        'Fn::Join': ['', ['runtime-cache-test-reports-', { Ref: 'AWS::AccountId' }, '-', { Ref: 'AWS::Region' }]],
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  test('is spoken to over TLS only', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ],
      },
    });
  });

  test('is written by the calculation alone, under one prefix', () => {
    const bucket = { 'Fn::GetAtt': ['ReportsBucket', 'Arn'] };
    const writing = resources(template, 'AWS::IAM::Policy').filter(([, policy]) =>
      JSON.stringify(policy).includes('s3:'),
    );
    expect(writing.map(([id]) => id)).toEqual([expect.stringMatching(/^Calculation/)]);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Sid: 'WriteReports',
            Effect: 'Allow',
            Action: 's3:PutObject',
            Resource: { 'Fn::Join': ['', [bucket, '/reports/*']] },
          },
        ]),
      },
    });
  });
});

test('the calculation may say on the default bus that a month is final, and nothing else', () => {
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Sid: 'AnnounceReports',
          Action: 'events:PutEvents',
          Condition: {
            StringEquals: { 'events:source': 'runtime-cache', 'events:detail-type': 'Monthly Runtime Final' },
          },
        }),
      ]),
    },
  });
});

test('the event is called what the code calls it', () => {
  const source = rustSources.find(({ path }) => path === 'crates/uptime-aws/src/month_reports.rs')?.code ?? '';
  expect(/SOURCE: &str = "(.*)"/.exec(source)?.[1]).toBe(MONTH_IS_FINAL.source);
  expect(/DETAIL_TYPE: &str = "(.*)"/.exec(source)?.[1]).toBe(MONTH_IS_FINAL.detailType);
});
