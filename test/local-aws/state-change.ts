import { ACCOUNT, REGION } from './context.ts';

/**
 * A state change as EventBridge tells it. Handed to the function itself, it is answered; EventBridge takes it from tests as
 * well, which play EC2.
 */
export function stateChange(id: string, state: string, time = new Date()): Record<string, unknown> {
  return {
    version: '0',
    id: `${id}-${state}-${time.getTime()}`,
    'detail-type': 'EC2 Instance State-change Notification',
    source: 'aws.ec2',
    account: ACCOUNT,
    time: `${time.toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: [`arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${id}`],
    detail: { 'instance-id': id, state },
  };
}
