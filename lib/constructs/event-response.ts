import { Duration, Stack } from 'aws-cdk-lib';
import { Stats, type IWidget, type Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnEventBusPolicy, EventBus, type CfnEventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventBridgeDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Construct } from 'constructs';
import { busName } from '../naming.ts';
import { furtherScopes, otherAccounts } from '../scopes.ts';
import { graphs } from './fleet-dashboard.ts';
import { addHandlerAlarms } from './handler-alarms.ts';
import { allowReadingServers } from './read-servers.ts';
import type { RustHandler } from './rust-handler.ts';
import { TriggeredHandler, type TriggeredHandlerProps } from './triggered-handler.ts';

/** The events by which EC2 tells of state changes. */
export const STATE_CHANGES = { source: ['aws.ec2'], detailType: ['EC2 Instance State-change Notification'] };

/** The answer to each state change of a server: its function, rule, destination, grants, alarms and metrics. */
export class EventResponse extends TriggeredHandler {
  protected readonly handler: RustHandler;

  constructor(scope: Construct, id: string, props: TriggeredHandlerProps) {
    super(scope, id, props);
    const { environment, serversTable, historyTable, alarms } = props;
    const { cacheMaxAgeHours } = environment;
    const answers = EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    this.handler = this.createHandler({
      functionName: 'eventResponse',
      binaryName: 'event-response',
      description: 'Records state changes of servers, warms their cache and answers with their running minutes',
      // An answer waits for two round trips to DynamoDB; the memory is processor for the cold start's TLS handshake.
      memorySize: 256,
      // A warm answer takes milliseconds. Calculating a server of which nothing is known can wait for CloudTrail's turn.
      timeout: Duration.seconds(60),
      variables: cacheMaxAgeHours === undefined ? {} : { CACHE_MAX_AGE_HOURS: String(cacheMaxAgeHours) },
      // The longest that Lambda keeps an event. A later one adds nothing that the hourly run would not know by then.
      events: { maxAge: Duration.hours(6), onSuccess: new EventBridgeDestination(answers) },
    });
    this.allowAnswering(answers);
    allowReadingServers(this, this.handler, environment);
    serversTable.allowCacheAccessToOne(this.handler);
    historyTable.allowKeepingHistory(this.handler);
    this.createRule('ServerStateChangeRule', {
      description: 'Hands state changes of EC2 instances to the function that answers them',
      // The events do not have the instance's tags: which are servers, only the function can tell.
      eventPattern: {
        ...STATE_CHANGES,
        region: [Stack.of(this).region],
      },
    });
    if (environment.scopes.length > 0) this.listenToSpokes();
    addHandlerAlarms(alarms, { prefix: 'event-response', handler: this.handler, maxDuration: Duration.seconds(20) });
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

  /** Events left out because their scope is none of the environment's. */
  metricEventsOutOfScope(options?: MetricOptions): Metric {
    return this.metric('EventsOutOfScope', options);
  }

  /** How state changes are answered. */
  dashboardRow(): IWidget[] {
    const period = Duration.hours(1);
    return graphs(
      ['State changes answered', [this.metricCacheHits({ period }), this.metricCacheMisses({ period })]],
      [
        'State changes late, deferred, out of scope',
        [
          this.metricLateEvents({ period }),
          this.metricEventsDeferred({ period }),
          this.metricEventsOutOfScope({ period }),
        ],
      ],
      [
        'State changes: errors, longest duration in ms',
        [this.function.metricErrors({ period }), this.function.metricDuration({ period, statistic: Stats.MAXIMUM })],
      ],
    );
  }

  /**
   * A bus of the environment's own for the further scopes: what has come from another bus goes to no third one, and the
   * default bus would have to be opened to other accounts.
   */
  private listenToSpokes(): void {
    const { environment } = this.props;
    const bus = new EventBus(this, 'SpokesBus', {
      eventBusName: busName(environment.name),
      description: 'State changes of the servers in further regions and accounts',
    });
    (bus.node.defaultChild as CfnEventBus).overrideLogicalId('SpokesBus');
    const accounts = otherAccounts(environment);
    if (accounts.length > 0) {
      const statement = new PolicyStatement({
        sid: 'TakeStateChangesOfSpokes',
        principals: accounts.map((account) => new AccountPrincipal(account)),
        actions: ['events:PutEvents'],
        resources: [bus.eventBusArn],
      });
      new CfnEventBusPolicy(this, 'SpokesBusPolicy', {
        eventBusName: bus.eventBusName,
        statementId: 'TakeStateChangesOfSpokes',
        statement: statement.toStatementJson() as object,
      });
    }
    const scopes = furtherScopes(environment);
    this.createRule('SpokesStateChangeRule', {
      description:
        'Hands state changes of EC2 instances in further regions and accounts to the function that answers them',
      eventBus: bus,
      eventPattern: {
        ...STATE_CHANGES,
        account: [...new Set(scopes.map(({ account }) => account))],
        region: [...new Set(scopes.map(({ region }) => region))],
      },
    });
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
}
