import { ConfirmSubscriptionCommand, SubscribeCommand, type SNSClient } from '@aws-sdk/client-sns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './deployed.ts';

/** What CloudWatch tells when an alarm changes. */
export interface AlarmNotification {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly NewStateValue: string;
}

interface SnsMessage {
  readonly Type: string;
  readonly Token?: string;
  readonly Message: string;
}

/** A web hook on the loopback interface, subscribed to the alarm topic as an operator's would be. */
export class AlarmSubscriber {
  /** The alarms received, oldest first. */
  readonly alarms: AlarmNotification[] = [];

  readonly #messages: SnsMessage[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const message = JSON.parse(Buffer.concat(chunks).toString()) as SnsMessage;
        this.#messages.push(message);
        if (message.Type === 'Notification') this.alarms.push(JSON.parse(message.Message) as AlarmNotification);
        response.end();
      });
    });
  }

  /** Listens on a free port, subscribes, and confirms the subscription. */
  static async listen(sns: SNSClient, TopicArn: string): Promise<AlarmSubscriber> {
    const subscriber = new AlarmSubscriber();
    await new Promise<void>((resolve) => subscriber.#server.listen(0, '127.0.0.1', resolve));
    const { port } = subscriber.#server.address() as AddressInfo;
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${port}/alarms` }));
    const Token = await eventually(
      () => subscriber.#messages.find(({ Type }) => Type === 'SubscriptionConfirmation')?.Token,
      10_000,
    );
    await sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
    return subscriber;
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
