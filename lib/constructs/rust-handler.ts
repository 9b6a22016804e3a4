import { Duration } from 'aws-cdk-lib';
import type { IRuleTarget } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  LoggingFormat,
  SystemLogLevel,
  type CfnFunction,
  type IDestination,
  type IFunction,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { RustFunction } from 'cargo-lambda-cdk';
import { Construct } from 'constructs';
import { resolve } from 'node:path';
import { physicalName } from '../naming.ts';
import { otherAccounts } from '../scopes.ts';
import type { Environment } from '../settings.ts';
import { dataRemovalPolicy } from './removal-policy.ts';

const WORKSPACE_MANIFEST = resolve(import.meta.dirname, '../../Cargo.toml');

/** Retries of a failed asynchronous invocation: the most that Lambda offers. */
const RETRY_ATTEMPTS = 2;

/** What {@link RustHandler} builds and how it runs. */
export interface RustHandlerProps {
  /** The environment it belongs to. */
  readonly environment: Environment;
  /** The function's bare name, in camel case: its logical id, and the end of its physical name. */
  readonly functionName: string;
  /** The workspace's binary. */
  readonly binaryName: string;
  /** One sentence for the console. */
  readonly description: string;
  /** Memory, and with it the share of a processor, in MiB. */
  readonly memorySize: number;
  /** When Lambda ends an invocation. */
  readonly timeout: Duration;
  /** The environment variables that the handler reads. */
  readonly variables: Readonly<Record<string, string>>;
  /**
   * How it takes events.
   * @default - none: it is asked, and who asks gets the answer or the error
   */
  readonly events?: EventDelivery;
}

/** How a function takes events: nobody waits for an answer, so what fails for good is kept. */
export interface EventDelivery {
  /** How long an event is worth delivering, and an asynchronous invocation retrying. */
  readonly maxAge: Duration;
  /**
   * Where what an asynchronous invocation answered goes.
   * @default - nowhere
   */
  readonly onSuccess?: IDestination;
}

/**
 * A Lambda function written in Rust, with what every one of ours has: its own log group, JSON logs, a role that may do
 * nothing else yet, and where it takes events a dead-letter queue. The only place that knows where the Rust code is and
 * how it is built.
 */
export class RustHandler extends Construct {
  /** The function. */
  readonly function: IFunction;
  /** How often an asynchronous invocation is tried in all. */
  readonly attempts = RETRY_ATTEMPTS + 1;

  private readonly role: Role;
  private readonly events: (EventDelivery & { readonly deadLetterQueue: Queue }) | undefined;

  constructor(scope: Construct, id: string, props: RustHandlerProps) {
    super(scope, id);
    const { environment, functionName } = props;
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${physicalName(environment.name, functionName)} may do`,
      // The reader roles of other accounts trust it by its name.
      ...(otherAccounts(environment).length > 0 ? { roleName: physicalName(environment.name, functionName) } : {}),
    });
    if (props.events) {
      this.events = { ...props.events, deadLetterQueue: this.createDeadLetterQueue(environment.name, functionName) };
    }
    this.function = new RustFunction(this, 'Function', {
      functionName: physicalName(environment.name, functionName),
      description: props.description,
      ...build(environment, props.binaryName),
      role: this.role,
      timeout: props.timeout,
      memorySize: props.memorySize,
      environment: { ...props.variables },
      logGroup: this.createLogGroup(environment, functionName),
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.INFO,
      ...(this.events ? delivered(this.events) : {}),
    });
    (this.function.node.defaultChild as CfnFunction).overrideLogicalId(functionName);
  }

  /** Lets the function do something. */
  allow(statement: PolicyStatement): void {
    this.role.addToPrincipalPolicy(statement);
  }

  /** Events whose asynchronous invocation failed for good. */
  get deadLetterQueue(): Queue {
    if (!this.events) throw new Error(`${this.node.path} takes no events`);
    return this.events.deadLetterQueue;
  }

  /** The function as what a rule triggers: an event that cannot be delivered becomes a dead letter too. */
  asTarget(): IRuleTarget {
    const { deadLetterQueue } = this;
    return new LambdaFunction(this.function, {
      deadLetterQueue,
      ...(this.events ? { maxEventAge: this.events.maxAge } : {}),
    });
  }

  /** A log group of the stack's own: Lambda would create one that never expires and outlives everything. */
  private createLogGroup(environment: Environment, functionName: string): LogGroup {
    const logGroup = new LogGroup(this, 'LogGroup', {
      logGroupName: `/aws/lambda/${physicalName(environment.name, functionName)}`,
      retention: environment.logRetentionDays,
      removalPolicy: dataRemovalPolicy(environment),
    });
    // Instead of the AWS managed policy for Lambda, which allows writing to every log group of the account.
    this.allow(
      new PolicyStatement({
        sid: 'WriteOwnLogs',
        effect: Effect.ALLOW,
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    return logGroup;
  }

  private createDeadLetterQueue(environment: string, functionName: string): Queue {
    return new Queue(this, 'DeadLetterQueue', {
      queueName: physicalName(environment, `${functionName}DeadLetters`),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The longest SQS offers: a letter is evidence, and may wait for an operator's holiday to end.
      retentionPeriod: Duration.days(14),
    });
  }
}

/** What an asynchronous invocation does with an event. */
function delivered({ maxAge, onSuccess, deadLetterQueue }: EventDelivery & { deadLetterQueue: Queue }) {
  return {
    deadLetterQueue,
    retryAttempts: RETRY_ATTEMPTS,
    maxEventAge: maxAge,
    ...(onSuccess ? { onSuccess } : {}),
  };
}

/** How cargo-lambda builds a binary of the workspace. */
function build({ architecture, local }: Environment, binaryName: string) {
  return {
    manifestPath: WORKSPACE_MANIFEST,
    binaryName,
    architecture: architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    bundling: {
      cargoLambdaFlags: [
        '--locked',
        // cargo-lambda's own release settings would override the profile in Cargo.toml, and compile the SDK anew.
        '--disable-optimizations',
        // The local AWS runs on this machine, so its own compiler will do; the cloud's glibc is older, and needs Zig.
        ...(local ? ['--compiler', 'cargo'] : []),
      ],
      // Two linkers for one target and directory would throw away each other's compilation of the SDK, minutes each time.
      // Relative, because a build in a container has the workspace elsewhere. A panic ends the process: without what unwinding
      // takes, the binary is a third smaller. Tests unwind, which is why the profile in Cargo.toml does (ADR 0016).
      ...(local ? {} : { environment: { CARGO_TARGET_DIR: 'target/aws', CARGO_PROFILE_RELEASE_PANIC: 'abort' } }),
    },
  };
}
