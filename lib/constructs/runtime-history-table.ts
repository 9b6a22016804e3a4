import type { MathExpression, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, Operation, ProjectionType, Table, type CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import { dataRemovalPolicy } from './removal-policy.ts';
import type { RustHandler } from './rust-handler.ts';
import { throttledRequests } from './throttled-requests.ts';

/** The index from a scope's month to its servers: `111122223333/eu-west-1/2026-11`. */
const SCOPE_MONTH_INDEX = 'scopeMonth';

/** What the index has of each server: its totals, for who sums up a month. */
const INDEXED_ATTRIBUTES = ['minutes', 'uncertainty', 'asOf', 'final', 'leftAt'];

/** The operations that functions are allowed. */
const OPERATIONS = [Operation.GET_ITEM, Operation.BATCH_GET_ITEM, Operation.QUERY, Operation.UPDATE_ITEM];

/**
 * What is kept of every server and month: the evidence, and the minutes that follow from it. It outlives CloudTrail's 90
 * days and the servers, so it cannot be made anew.
 */
export class RuntimeHistoryTable extends Construct {
  /** Name of the table. */
  readonly tableName: string;

  private readonly table: Table;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      tableName: physicalName(environment.name, 'RuntimeHistoryTable'),
      partitionKey: { name: 'id', type: AttributeType.STRING },
      sortKey: { name: 'month', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // No deletion protection: a rollback could not delete it. It is for the operator to switch on (ADR 0017).
      removalPolicy: dataRemovalPolicy(environment),
    });
    this.table.addGlobalSecondaryIndex({
      indexName: SCOPE_MONTH_INDEX,
      partitionKey: { name: SCOPE_MONTH_INDEX, type: AttributeType.STRING },
      sortKey: { name: 'id', type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: INDEXED_ATTRIBUTES,
    });
    (this.table.node.defaultChild as CfnTable).overrideLogicalId('RuntimeHistoryTable');
    this.tableName = this.table.tableName;
  }

  /** Lets a function read months of servers and update them; nothing is ever deleted or replaced whole. */
  allowKeepingHistory(handler: RustHandler): void {
    handler.allow(
      new PolicyStatement({
        sid: 'KeepHistory',
        actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'],
        resources: [this.table.tableArn],
      }),
    );
  }

  /** Lets a function find the servers of a month. */
  allowListingServers(handler: RustHandler): void {
    handler.allow(
      new PolicyStatement({
        sid: 'ListServersOfMonth',
        actions: ['dynamodb:Query'],
        resources: [`${this.table.tableArn}/index/${SCOPE_MONTH_INDEX}`],
      }),
    );
  }

  /** Lets a function read months of servers, by their ids and by scope and month, and change nothing. */
  allowReadingHistory(handler: RustHandler): void {
    handler.allow(
      new PolicyStatement({
        sid: 'ReadHistory',
        actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'],
        resources: [this.table.tableArn],
      }),
    );
    this.allowListingServers(handler);
  }

  /** Requests that DynamoDB throttled, over the operations this system uses. */
  metricThrottledRequests(options: Pick<MetricOptions, 'period'> = {}): MathExpression {
    return throttledRequests(this.table, OPERATIONS, options);
  }
}
