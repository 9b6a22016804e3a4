import { ArnFormat, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  TreatMissingData,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic, type CfnTopic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { physicalName } from '../naming.ts';
import { isMailAddress } from '../settings.ts';
import { WHOLE_WIDTH } from './fleet-dashboard.ts';

/** What {@link OperatorAlarms} needs to know of the environment. */
export interface OperatorAlarmsProps {
  /** Name of the environment. */
  readonly environment: string;
  /** Mail addresses and HTTPS URLs to notify. */
  readonly subscribers: readonly string[];
  /** Where the runbook can be read. */
  readonly runbookUrl: string;
}

/** What one alarm watches and means. */
export interface OperatorAlarmProps {
  /** One sentence: what is the case when the alarm is on. */
  readonly meaning: string;
  /** The metric, with its statistic and period. */
  readonly metric: IMetric;
  /** The value to compare with. */
  readonly threshold: number;
  /** @default ComparisonOperator.GREATER_THAN_THRESHOLD */
  readonly comparisonOperator?: ComparisonOperator;
  /** @default 1 */
  readonly evaluationPeriods?: number;
  /**
   * What a period without data means.
   *
   * @default TreatMissingData.NOT_BREACHING: nothing happened, so nothing bad did
   */
  readonly treatMissingData?: TreatMissingData;
}

/** The alarm topic, and the only way to make an alarm: none comes without an action and a runbook link. */
export class OperatorAlarms extends Construct {
  /** Where every alarm of the environment is sent. */
  readonly topic: Topic;
  private readonly alarms: Alarm[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: OperatorAlarmsProps,
  ) {
    super(scope, id);
    // Not encrypted with a KMS key: CloudWatch cannot use the AWS managed one, a key of our own is one more way for an
    // alarm to be lost in silence, and the messages hold names and numbers only.
    this.topic = new Topic(this, 'AlarmTopic', {
      topicName: physicalName(props.environment, 'alarms'),
      displayName: physicalName(props.environment, 'alarms'),
      enforceSSL: true,
    });
    (this.topic.node.defaultChild as CfnTopic).overrideLogicalId('AlarmTopic');
    this.allowAlarmsToPublish();
    for (const subscriber of props.subscribers) {
      this.topic.addSubscription(
        isMailAddress(subscriber) ? new EmailSubscription(subscriber) : new UrlSubscription(subscriber),
      );
    }
  }

  /**
   * Adds an alarm. Its name is also the runbook heading that it links to.
   *
   * @param name in lower-case words joined by dashes
   */
  add(name: string, props: OperatorAlarmProps): Alarm {
    const { meaning, ...alarmProps } = props;
    const alarm = new Alarm(this, name, {
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...alarmProps,
      alarmName: physicalName(this.props.environment, name),
      alarmDescription: `${meaning} Runbook: ${this.props.runbookUrl}#${name}`,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
    return alarm;
  }

  /** The state of every alarm there is by now, those that are on first. */
  dashboardRow(): IWidget[] {
    return [new AlarmStatusWidget({ title: 'Alarms', alarms: this.alarms, width: WHOLE_WIDTH, height: 3 })];
  }

  /** A topic with a policy of its own loses the default one, which let CloudWatch publish. */
  private allowAlarmsToPublish(): void {
    const stack = Stack.of(this);
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarmsOfThisEnvironment',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: {
            'aws:SourceArn': stack.formatArn({
              service: 'cloudwatch',
              resource: 'alarm',
              resourceName: physicalName(this.props.environment, '*'),
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
  }
}
