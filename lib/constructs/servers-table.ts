import type { MathExpression, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, Operation, Table, type CfnTable, type ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import { dataRemovalPolicy } from './removal-policy.ts';
import type { RustHandler } from './rust-handler.ts';
import { throttledRequests } from './throttled-requests.ts';

const PARTITION_KEY = 'id';

/**
 * The attributes that belong to this system. Everything else in an item belongs to the operator's application, and no
 * function of ours may read or write it.
 */
const CACHE_ATTRIBUTES = [
  'runningMinutesCache',
  'runningMinutesCacheTimestamp',
  'runningMinutesCacheMonth',
  'runningMinutesUncertainty',
  'runningSince',
  'runningMinutesRevision',
];

/** The operations that functions are allowed. */
const OPERATIONS = [Operation.UPDATE_ITEM, Operation.BATCH_GET_ITEM, Operation.GET_ITEM];

/** The table of servers: one item per server, shared with the operator's application. */
export class ServersTable extends Construct {
  /** Name of the table. */
  readonly tableName: string;

  private readonly table: ITable;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    const setting = environment.serversTable;
    this.table =
      'create' in setting ? this.createTable(environment) : Table.fromTableName(this, 'Table', setting.existingName);
    this.tableName = this.table.tableName;
  }

  /** Lets a function read and write this system's attributes of many items at a time, and nothing else. */
  allowCacheAccessToFleet(handler: RustHandler): void {
    this.allowCacheAccess(handler, 'dynamodb:BatchGetItem');
  }

  /** Lets a function read and write this system's attributes of one item at a time, and nothing else. */
  allowCacheAccessToOne(handler: RustHandler): void {
    this.allowCacheAccess(handler, 'dynamodb:GetItem');
  }

  private allowCacheAccess(handler: RustHandler, read: string): void {
    // The key is always among a request's attributes. The second condition of each statement closes the way around the
    // first: asking for whole items.
    const ownAttributes = { 'dynamodb:Attributes': [PARTITION_KEY, ...CACHE_ATTRIBUTES] };
    handler.allow(
      new PolicyStatement({
        sid: 'ReadCacheAttributes',
        actions: [read],
        resources: [this.table.tableArn],
        conditions: {
          'ForAllValues:StringEquals': ownAttributes,
          StringEqualsIfExists: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
        },
      }),
    );
    handler.allow(
      new PolicyStatement({
        sid: 'WriteCacheAttributes',
        actions: ['dynamodb:UpdateItem'],
        resources: [this.table.tableArn],
        conditions: {
          'ForAllValues:StringEquals': ownAttributes,
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' },
        },
      }),
    );
  }

  /** Requests that DynamoDB throttled, over the operations this system uses. */
  metricThrottledRequests(options: Pick<MetricOptions, 'period'> = {}): MathExpression {
    return throttledRequests(this.table, OPERATIONS, options);
  }

  private createTable(environment: Environment): Table {
    const table = new Table(this, 'Table', {
      tableName: physicalName(environment.name, 'ServersTable'),
      partitionKey: { name: PARTITION_KEY, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // No deletion protection: a rollback could not delete it. It is for the operator to switch on (ADR 0017).
      removalPolicy: dataRemovalPolicy(environment),
    });
    (table.node.defaultChild as CfnTable).overrideLogicalId('ServersTable');
    return table;
  }
}
