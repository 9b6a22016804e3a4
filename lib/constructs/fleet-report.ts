import { Duration } from 'aws-cdk-lib';
import { CustomWidget, type IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { WHOLE_WIDTH } from './fleet-dashboard.ts';
import { RustHandler } from './rust-handler.ts';
import { sharedVariables, type SharedVariablesProps } from './shared-variables.ts';

/**
 * What shows the fleet: a function that reads the ledger and changes nothing. People and dashboards ask it and see what
 * they get, errors included, so it has neither alarms nor a queue for what failed.
 */
export class FleetReport extends Construct {
  private readonly handler: RustHandler;

  constructor(scope: Construct, id: string, props: SharedVariablesProps) {
    super(scope, id);
    const { environment, historyTable } = props;
    this.handler = new RustHandler(this, 'Handler', {
      environment,
      functionName: 'fleetReport',
      binaryName: 'fleet-report',
      description: 'Shows the running minutes of the fleet and of a server, and why they are what they are',
      // Reading 10,000 items is work for a processor, of which the memory decides the share.
      memorySize: 1024,
      // CloudWatch draws nothing that takes longer.
      timeout: Duration.seconds(30),
      variables: sharedVariables(this, props),
    });
    historyTable.allowReadingHistory(this.handler);
  }

  /** The function to ask. */
  get function(): IFunction {
    return this.handler.function;
  }

  /** The fleet on a dashboard: whoever looks at it asks the function with their own rights. */
  dashboardRow(): IWidget[] {
    return [
      new CustomWidget({
        title: 'Fleet',
        functionArn: this.function.functionArn,
        params: { report: 'fleet' },
        width: WHOLE_WIDTH,
        height: 15,
        updateOnRefresh: true,
        updateOnResize: true,
        updateOnTimeRangeChange: false,
      }),
    ];
  }
}
