import { Arn, ArnFormat, Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import { EventBus as EventBusTarget } from 'aws-cdk-lib/aws-events-targets';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal, PolicyDocument, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { STATE_CHANGES } from './constructs/event-response.ts';
import { acknowledgeReadingAll, READING_ACTIONS, SAMPLES_ACTIONS } from './constructs/read-servers.ts';
import { busName, physicalName, readerRoleName, spokeStackName } from './naming.ts';
import { furtherScopes, type Scope } from './scopes.ts';
import type { Environment } from './settings.ts';

/** The hub's functions that read other accounts. */
const READERS = ['calculateMonthlyRuntime', 'eventResponse'];

/** The states of which `eventResponse` learns something; `pending` is neither a start nor a stop. */
const STATES = ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'];

/**
 * A further scope of an environment: what lets the hub read it, and sends it the state changes of its servers. Of an
 * account, the stack of the region that the settings name first has the role.
 */
export class SpokeStack extends Stack {
  constructor(
    scope: Construct,
    private readonly hub: Environment,
    private readonly own: Scope,
  ) {
    super(scope, spokeStackName(hub.name, own), {
      description: `Monthly runtime cache for EC2 server fleets (${hub.name}): servers of ${own.account} in ${own.region}`,
      env: own,
      terminationProtection: hub.production,
    });
    const first = furtherScopes(hub).find(({ account }) => account === own.account);
    if (own.account !== hub.account && first?.region === own.region) this.createReaderRole();
    this.sendStateChanges();
  }

  /** A role that only reads, and trusts only the hub's own functions. */
  private createReaderRole(): void {
    const { account, name, organizationId } = this.hub;
    const regions = furtherScopes(this.hub).filter((other) => other.account === this.own.account);
    const readers = READERS.map((reader) =>
      Arn.format(
        { service: 'iam', region: '', account, resource: 'role', resourceName: physicalName(name, reader) },
        this,
      ),
    );
    new Role(this, 'Reader', {
      roleName: readerRoleName(name),
      description: `Lets the functions of ${physicalName(name, '*')} in account ${account} read servers and their events`,
      // By name: a role that was deleted and made anew is trusted as before, which one that is named as principal is not.
      assumedBy: new AccountPrincipal(account).withConditions({
        ArnEquals: { 'aws:PrincipalArn': readers },
        ...(organizationId ? { StringEquals: { 'aws:PrincipalOrgID': organizationId } } : {}),
      }),
      inlinePolicies: {
        ReadServersAndTheirEvents: new PolicyDocument({
          statements: [
            new PolicyStatement({
              sid: 'ReadServersAndTheirEvents',
              actions: [...READING_ACTIONS, ...(this.hub.askCloudWatch ? SAMPLES_ACTIONS : [])],
              // None of them knows resources or tags to narrow it by; the regions are all there is.
              resources: ['*'],
              conditions: { StringEquals: { 'aws:RequestedRegion': regions.map(({ region }) => region) } },
            }),
          ],
        }),
      },
    });
    acknowledgeReadingAll(this, 'they only read, and are limited to the regions that are counted.');
  }

  /** In one hop to the hub's own bus: what came from another bus goes to no third one. */
  private sendStateChanges(): void {
    const { account, region, name } = this.hub;
    const busArn = Arn.format(
      {
        service: 'events',
        account,
        region,
        resource: 'event-bus',
        resourceName: busName(name),
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      },
      this,
    );
    const deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      queueName: physicalName(name, 'stateChangeDeadLetters'),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(deadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'it is a dead-letter queue itself',
    });
    new Rule(this, 'StateChangeRule', {
      ruleName: physicalName(name, 'ServerStateChangeRule'),
      description: 'Sends state changes of EC2 instances to the environment that counts them',
      eventPattern: { ...STATE_CHANGES, region: [Aws.REGION], detail: { state: STATES } },
      targets: [new EventBusTarget(EventBus.fromEventBusArn(this, 'Hub', busArn), { deadLetterQueue })],
    });
  }
}
