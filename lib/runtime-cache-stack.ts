import { Annotations, CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { MonthlyRuntimeCalculation } from './constructs/monthly-runtime-calculation.ts';
import { OperatorAlarms } from './constructs/operator-alarms.ts';
import { ServersTable } from './constructs/servers-table.ts';
import { stackName } from './naming.ts';
import { isPlaceholder } from './settings-rules.ts';
import type { Environment } from './settings.ts';

/** One environment of the monthly runtime cache. */
export class RuntimeCacheStack extends Stack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, stackName(environment.name), {
      description: `Monthly runtime cache for EC2 server fleets (${environment.name})`,
      env: { account: environment.account, region: environment.region },
      terminationProtection: environment.production,
    });
    const alarms = new OperatorAlarms(this, 'Alarms', {
      environment: environment.name,
      subscribers: environment.alarmSubscribers,
      runbookUrl: environment.runbookUrl,
    });
    const serversTable = new ServersTable(this, 'Servers', environment);
    const calculation = new MonthlyRuntimeCalculation(this, 'Calculation', { environment, serversTable, alarms });

    new CfnOutput(this, 'CalculateMonthlyRuntimeName', { value: calculation.function.functionName });
    new CfnOutput(this, 'ServersTableName', { value: serversTable.tableName });
    new CfnOutput(this, 'AlarmTopicArn', { value: alarms.topic.topicArn });
    this.rejectPlaceholders(environment);
  }

  /**
   * Where nobody listens, no alarm is heard. Only a stack that is built is about to be deployed; listing and checking
   * the environments, as CI does, needs nobody's address.
   */
  private rejectPlaceholders({ name, production, local, alarmSubscribers, runbookUrl }: Environment): void {
    if (local || !this.bundlingRequired) return;
    const settings = { alarmSubscribers, runbookUrl: [runbookUrl] };
    for (const [setting, values] of Object.entries(settings)) {
      for (const value of values.filter(isPlaceholder)) {
        const sentence = `Environment "${name}": setting "${setting}" still holds the placeholder ${JSON.stringify(value)}.`;
        const advice = 'Replace it in lib/environments.ts.';
        if (production) Annotations.of(this).addError(`${sentence} ${advice}`);
        else Annotations.of(this).addWarningV2(`${name}-${setting}`, `${sentence} ${advice}`);
      }
    }
  }
}
