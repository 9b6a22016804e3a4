import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRuleTarget } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine, DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { physicalName } from '../naming.ts';
import { furtherScopes, type Scope } from '../scopes.ts';
import type { Environment } from '../settings.ts';
import type { OperatorAlarms } from './operator-alarms.ts';
import type { RustHandler } from './rust-handler.ts';

/**
 * How many scopes are read at a time. It is also what leaves the account's concurrency to state changes: a reservation
 * for these would need 100 unreserved executions more than there are in a new account.
 */
const CONCURRENT_SCOPES = 20;

/** Errors of the function that are everybody's trouble; all others are the scope's own, which is in its status. */
const TABLE_ERRORS = ['HistoryTableUnavailable', 'ServersTableUnavailable'];

/** Errors of Lambda itself that pass. */
const PASSING_ERRORS = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
];

/** What {@link ScopesRun} works with. */
export interface ScopesRunProps {
  /** The environment it belongs to. */
  readonly environment: Environment;
  /** The function that calculates one scope, and sums all of them up. */
  readonly handler: RustHandler;
  /** Where its alarms go. */
  readonly alarms: OperatorAlarms;
}

/** The hour of an environment with several scopes: each is calculated on its own, and then all of them are summed up. */
export class ScopesRun extends Construct {
  private readonly stateMachine: StateMachine;
  private readonly props: ScopesRunProps;

  constructor(scope: Construct, id: string, props: ScopesRunProps) {
    super(scope, id);
    this.props = props;
    const { environment, handler } = props;
    const stateMachineName = physicalName(environment.name, 'monthlyRuntimeCalculation');
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName,
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(this.definition())),
      role: this.createRole(stateMachineName, handler),
    });
    (this.stateMachine.node.defaultChild as CfnStateMachine).overrideLogicalId('ScopesRun');
    this.acknowledge();
    this.addAlarms();
  }

  /** The state machine as what a rule triggers. */
  asTarget(): IRuleTarget {
    const { deadLetterQueue } = this.props.handler;
    return new SfnStateMachine(this.stateMachine, { deadLetterQueue, maxEventAge: Duration.hours(1) });
  }

  private definition(): object {
    const { environment } = this.props;
    const { account, region } = Stack.of(this);
    const scopes: Scope[] = [{ account, region }, ...furtherScopes(environment)];
    return {
      Comment: 'Calculates the running minutes of every scope, and sums them up',
      // The next run begins an hour later.
      TimeoutSeconds: Duration.minutes(55).toSeconds(),
      StartAt: 'ListScopes',
      States: {
        ListScopes: { Type: 'Pass', Result: { scopes }, Next: 'EachScope' },
        EachScope: {
          Type: 'Map',
          ItemsPath: '$.scopes',
          MaxConcurrency: CONCURRENT_SCOPES,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
            StartAt: 'CalculateScope',
            States: this.statesOfOneScope(),
          },
          ResultPath: null,
          Next: 'SumUp',
        },
        SumUp: { ...this.invoke({ report: 'scopes' }), End: true },
      },
    };
  }

  private statesOfOneScope(): object {
    return {
      CalculateScope: {
        ...this.invoke({ 'scope.$': '$' }),
        Catch: [
          { ErrorEquals: TABLE_ERRORS, Next: 'TablesUnavailable' },
          { ErrorEquals: ['States.ALL'], Next: 'ScopeFailed' },
        ],
        End: true,
      },
      TablesUnavailable: { Type: 'Fail', Error: 'TablesUnavailable', Cause: 'A table of the environment failed' },
      ScopeFailed: { Type: 'Succeed', Comment: "The scope's status says why" },
    };
  }

  private invoke(payload: object): object {
    const { function: calculation } = this.props.handler;
    return {
      Type: 'Task',
      Resource: `arn:${Stack.of(this).partition}:states:::lambda:invoke`,
      Parameters: { FunctionName: calculation.functionArn, Payload: payload },
      ResultPath: null,
      Retry: [{ ErrorEquals: PASSING_ERRORS, IntervalSeconds: 2, MaxAttempts: 6, BackoffRate: 2 }],
    };
  }

  /** A role that may do just this: invoke the one function, and what a Distributed Map does with its children. */
  private createRole(stateMachineName: string, handler: RustHandler): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      description: `What ${stateMachineName} may do`,
    });
    role.addToPolicy(
      new PolicyStatement({
        sid: 'CalculateScopes',
        actions: ['lambda:InvokeFunction'],
        resources: [handler.function.functionArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        sid: 'StartChildren',
        actions: ['states:StartExecution'],
        resources: [this.arn('stateMachine', stateMachineName)],
      }),
    );
    // The names of children are made up by Step Functions: by the state machine's own name, or the map's run.
    const children = [':*', '/*:*'].map((rest) => this.arn('execution', `${stateMachineName}${rest}`));
    role.addToPolicy(
      new PolicyStatement({
        sid: 'FollowChildren',
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: children,
      }),
    );
    const reason = "the names of a Distributed Map's children are made up by Step Functions";
    Validations.of(this).acknowledge(
      ...children.map((child) => ({ id: `AwsSolutions-IAM5[Resource::${child}]`, reason })),
    );
    return role;
  }

  private arn(resource: string, resourceName: string): string {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service: 'states', resource, resourceName, arnFormat });
  }

  private acknowledge(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason: 'Step Functions keeps what happened for 90 days, and the functions log what they do',
      },
      {
        id: 'AwsSolutions-SF2',
        reason: 'no part of the application is traced: a run is one function, or a map over it',
      },
    );
  }

  private addAlarms(): void {
    const { alarms } = this.props;
    const name = physicalName(this.props.environment.name, 'monthlyRuntimeCalculation');
    const period = Duration.hours(1);
    alarms.add('scopes-run-failing', {
      meaning: `A run of ${name} failed: a table did, or the scopes could not be summed up.`,
      metric: new MathExpression({
        label: 'Runs that failed, timed out or were aborted',
        expression: 'failed + timedOut + aborted',
        usingMetrics: {
          failed: this.stateMachine.metricFailed({ statistic: Stats.SUM, period }),
          timedOut: this.stateMachine.metricTimedOut({ statistic: Stats.SUM, period }),
          aborted: this.stateMachine.metricAborted({ statistic: Stats.SUM, period }),
        },
        period,
      }),
      threshold: 0,
    });
    alarms.add('scopes-run-not-running', {
      meaning: `${name} was not started for two hours.`,
      metric: this.stateMachine.metricStarted({ statistic: Stats.SUM, period }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.BREACHING,
    });
  }
}
