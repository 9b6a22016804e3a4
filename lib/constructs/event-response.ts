import { Duration, Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, Rule, type CfnRule, type IEventBus } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { EventBridgeDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Construct } from 'constructs';
import { APP_NAME, physicalName } from '../naming.ts';
import type { Environment } from '../settings.ts';
import { addHandlerAlarms } from './handler-alarms.ts';
import { handlerMetric } from './handler-metric.ts';
import type { OperatorAlarms } from './operator-alarms.ts';
import { allowReadingServers } from './read-servers.ts';
import { RustHandler } from './rust-handler.ts';
import type { RuntimeHistoryTable } from './runtime-history-table.ts';
import type { ServersTable } from './servers-table.ts';

/** The longest that Lambda keeps an event. A later one adds nothing that the hourly run would not know by then. */
const MAX_EVENT_AGE = Duration.hours(6);

/** What {@link EventResponse} works with. */
export interface EventResponseProps {
  /** The environment it belongs to. */
  readonly environment: Environment;
  /** The table whose cache it warms. */
  readonly serversTable: ServersTable;
  /** The table in which it records what events tell. */
  readonly historyTable: RuntimeHistoryTable;
  /** Where its alarms go. */
  readonly alarms: OperatorAlarms;
}

/** The answer to each state change of a server: its function, rule, destination, grants, alarms and metrics. */
export class EventResponse extends Construct {
  private readonly handler: RustHandler;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: EventResponseProps,
  ) {
    super(scope, id);
    const { environment, serversTable, historyTable, alarms } = props;
    const answers = EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    this.handler = new RustHandler(this, 'Handler', {
      environment,
      functionName: 'eventResponse',
      binaryName: 'event-response',
      description: 'Records state changes of servers, warms their cache and answers with their running minutes',
      // An answer waits for two round trips to DynamoDB; the memory is processor for the cold start's TLS handshake.
      memorySize: 256,
      // A warm answer takes milliseconds. Calculating a server of which nothing is known can wait for CloudTrail's turn.
      timeout: Duration.seconds(60),
      maxEventAge: MAX_EVENT_AGE,
      variables: {
        APP_NAME,
        ENVIRONMENT: environment.name,
        SERVERS_TABLE_NAME: serversTable.tableName,
        RUNTIME_HISTORY_TABLE_NAME: historyTable.tableName,
        TAG_APP_KEY: environment.tagAppKey,
        TAG_APP_VALUE: environment.tagAppValue,
        ...(environment.cacheMaxAgeHours === undefined
          ? {}
          : { CACHE_MAX_AGE_HOURS: String(environment.cacheMaxAgeHours) }),
      },
      onSuccess: new EventBridgeDestination(answers),
    });
    this.allowAnswering(answers);
    allowReadingServers(this, this.handler);
    serversTable.allowCacheAccessToOne(this.handler);
    historyTable.allowKeepingHistory(this.handler);
    this.createRule();
    addHandlerAlarms(alarms, {
      prefix: 'event-response',
      handler: this.handler,
      maxDuration: Duration.seconds(20),
    });
  }

  /** The function that answers. */
  get function(): IFunction {
    return this.handler.function;
  }

  /** Events answered from what was kept. */
  metricCacheHits(options?: MetricOptions): Metric {
    return this.metric('CacheHits', options);
  }

  /** Events for which a server had to be calculated. */
  metricCacheMisses(options?: MetricOptions): Metric {
    return this.metric('CacheMisses', options);
  }

  /** Events of a month that was final when they came. */
  metricLateEvents(options?: MetricOptions): Metric {
    return this.metric('LateEvents', options);
  }

  /** Events left to the hourly run because EC2 was too busy to tell whether the instance is a server. */
  metricEventsDeferred(options?: MetricOptions): Metric {
    return this.metric('EventsDeferred', options);
  }

  private metric(name: string, options?: MetricOptions): Metric {
    return handlerMetric(this, this.props.environment.name, name, options);
  }

  /** The destination grants this to a role of CDK's own making only. */
  private allowAnswering(answers: IEventBus): void {
    this.handler.allow(
      new PolicyStatement({
        sid: 'PublishAnswers',
        actions: ['events:PutEvents'],
        resources: [answers.eventBusArn],
      }),
    );
  }

  private createRule(): void {
    const rule = new Rule(this, 'Rule', {
      ruleName: physicalName(this.props.environment.name, 'ServerStateChangeRule'),
      description: 'Hands state changes of EC2 instances to the function that answers them',
      // The events do not have the instance's tags: which are servers, only the function can tell.
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        region: [Stack.of(this).region],
      },
      targets: [
        new LambdaFunction(this.handler.function, {
          deadLetterQueue: this.handler.deadLetterQueue,
          maxEventAge: MAX_EVENT_AGE,
        }),
      ],
    });
    (rule.node.defaultChild as CfnRule).overrideLogicalId('ServerStateChangeRule');
  }
}
