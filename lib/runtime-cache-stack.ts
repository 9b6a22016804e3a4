import { Annotations, CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { MonthlyRuntimeCalculation } from './constructs/monthly-runtime-calculation.ts';
import { OperatorAlarms } from './constructs/operator-alarms.ts';
import { ServersTable } from './constructs/servers-table.ts';
import { stackName } from './naming.ts';
import { placeholdersIn } from './placeholders.ts';
import { SettingsError, type Environment } from './settings.ts';

/** One environment of the monthly runtime cache. */
export class RuntimeCacheStack extends Stack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, stackName(environment.name), {
      description: `Monthly runtime cache for EC2 server fleets (${environment.name})`,
      env: { account: environment.account, region: environment.region },
      terminationProtection: environment.production,
    });
    // First of all: building the handlers takes minutes.
    this.rejectPlaceholders(environment);
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
  }

  /**
   * Where nobody listens, no alarm is heard. Only a stack that is built is about to be deployed; listing and checking
   * the environments, as CI does, needs nobody's address.
   */
  private rejectPlaceholders(environment: Environment): void {
    if (!this.bundlingRequired) return;
    const sentences = placeholdersIn(environment);
    if (environment.production && sentences.length > 0) {
      const advice = 'replace it in lib/environments.ts (or only check, without building: -c build=false).';
      throw new SettingsError(sentences.map((sentence) => `${sentence}; ${advice}`).join('\n'));
    }
    sentences.forEach((sentence, index) => {
      Annotations.of(this).addWarningV2(`runtime-cache:placeholder-${index}`, `${sentence}.`);
    });
  }
}
