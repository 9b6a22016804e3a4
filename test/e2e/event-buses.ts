import {
  CreateStackCommand,
  DeleteStackCommand,
  UpdateStackCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
  waitUntilStackUpdateComplete,
} from '@aws-sdk/client-cloudformation';
import { PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createClients, type Clients } from '../local-aws/aws.ts';
import { stateChange } from '../local-aws/state-change.ts';

const HUB = '111122223333';
const SPOKE = '444455556666';
const STRANGER = '777788889999';
const HUB_REGION = 'us-east-1';
const SPOKE_REGION = 'eu-west-1';

const STACK = { StackName: 'bus-of-a-hub' };
const PATTERN = { source: ['aws.ec2'] };
const PATIENCE = 60;

/** MiniStack takes 12 digits for the root of that account. */
function clientsOf(account: string, region: string): Clients {
  return createClients(inject('localAws').endpoint, { accessKeyId: account, secretAccessKey: 'test' }, region);
}

function busArn(name: string): string {
  return `arn:aws:events:${HUB_REGION}:${HUB}:event-bus/${name}`;
}

/** A bus that takes events of one account, and hands them to a queue and to a further bus, which has a queue too. */
function template(account: string): string {
  const queueOf = (bus: string): object => ({ Id: 'queue', Arn: { 'Fn::GetAtt': [`${bus}Queue`, 'Arn'] } });
  const resources = ['spokes', 'further'].map((bus) => ({
    [bus]: { Type: 'AWS::Events::EventBus', Properties: { Name: bus } },
    [`${bus}Queue`]: { Type: 'AWS::SQS::Queue', Properties: { QueueName: bus } },
    [`${bus}Rule`]: {
      Type: 'AWS::Events::Rule',
      DependsOn: bus,
      Properties: {
        EventBusName: bus,
        EventPattern: PATTERN,
        Targets: [queueOf(bus), ...(bus === 'spokes' ? [{ Id: 'bus', Arn: busArn('further') }] : [])],
      },
    },
  }));
  const Statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: 'events:PutEvents',
    Resource: busArn('spokes'),
  };
  const policy = {
    Type: 'AWS::Events::EventBusPolicy',
    DependsOn: 'spokes',
    Properties: { EventBusName: 'spokes', StatementId: 'TakeStateChangesOfSpokes', Statement },
  };
  return JSON.stringify({ Resources: Object.assign({ policy }, ...resources) as object });
}

/** Has a rule in another account and region that sends state changes to the hub's bus. */
async function sendToHub({ events }: Clients): Promise<void> {
  await events.send(new PutRuleCommand({ Name: 'to-the-hub', EventPattern: JSON.stringify(PATTERN) }));
  const RoleArn = `arn:aws:iam::${SPOKE}:role/to-the-hub`;
  const Targets = [{ Id: 'hub', Arn: busArn('spokes'), RoleArn }];
  await events.send(new PutTargetsCommand({ Rule: 'to-the-hub', Targets }));
}

/** Plays EC2 of an account and region: tells of a state change at an instant. */
async function tell({ events }: Clients, id: string, Time: Date): Promise<void> {
  const { source, detail, resources, 'detail-type': DetailType } = stateChange(id, 'stopped', Time);
  const Detail = JSON.stringify(detail);
  const entry = { Source: String(source), DetailType: String(DetailType), Detail, Time };
  const Resources = resources as string[];
  const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [{ ...entry, Resources }] }));
  expect(FailedEntryCount).toBe(0);
}

/** The events that a queue of the hub has got. */
async function arrived({ sqs }: Clients, QueueName: string): Promise<Record<string, unknown>[]> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => JSON.parse(Body ?? '') as Record<string, unknown>);
}

/** That events of spokes come to the hub's bus here as on AWS: MiniStack knows no bus of another account or region. */
export function eventBuses(): void {
  describe('an event bus', () => {
    const hub = clientsOf(HUB, HUB_REGION);
    const spoke = clientsOf(SPOKE, SPOKE_REGION);
    const stranger = clientsOf(STRANGER, HUB_REGION);
    const waiting = { client: hub.cloudFormation, maxWaitTime: PATIENCE, minDelay: 1, maxDelay: 1 };

    beforeAll(async () => {
      await hub.cloudFormation.send(new CreateStackCommand({ ...STACK, TemplateBody: template(SPOKE) }));
      await waitUntilStackCreateComplete(waiting, STACK);
      for (const clients of [spoke, stranger]) await sendToHub(clients);
    });

    afterAll(async () => {
      await hub.cloudFormation.send(new DeleteStackCommand(STACK));
      await waitUntilStackDeleteComplete(waiting, STACK);
    });

    it('takes events of another account and region as they were sent, and sends them on to no third one', async () => {
      await tell(spoke, 'i-0123456789abcdef0', new Date('2026-11-03T10:00:07Z'));
      expect(await arrived(hub, 'spokes')).toMatchObject([
        {
          source: 'aws.ec2',
          account: SPOKE,
          region: SPOKE_REGION,
          time: '2026-11-03T10:00:07Z',
          detail: { 'instance-id': 'i-0123456789abcdef0', state: 'stopped' },
        },
      ]);
      expect(await arrived(hub, 'further')).toEqual([]);
    });

    it('takes events of the accounts that its policy names, and of no others', async () => {
      await tell(stranger, 'i-0123456789abcdef1', new Date());
      expect(await arrived(hub, 'spokes')).toEqual([]);
      await hub.cloudFormation.send(new UpdateStackCommand({ ...STACK, TemplateBody: template(STRANGER) }));
      await waitUntilStackUpdateComplete(waiting, STACK);
      await tell(spoke, 'i-0123456789abcdef2', new Date());
      await tell(stranger, 'i-0123456789abcdef3', new Date());
      expect(await arrived(hub, 'spokes')).toMatchObject([{ account: STRANGER, region: HUB_REGION }]);
    });
  });
}
