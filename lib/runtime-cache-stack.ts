import { Annotations, CfnOutput, CfnRule, Fn, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EventResponse } from './constructs/event-response.ts';
import { FleetDashboard } from './constructs/fleet-dashboard.ts';
import { FleetReport } from './constructs/fleet-report.ts';
import { MonthlyReports } from './constructs/monthly-reports.ts';
import { MonthlyRuntimeCalculation } from './constructs/monthly-runtime-calculation.ts';
import { OperatorAlarms } from './constructs/operator-alarms.ts';
import { RuntimeHistoryTable } from './constructs/runtime-history-table.ts';
import { ServersTable } from './constructs/servers-table.ts';
import { stackName } from './naming.ts';
import { placeholdersIn } from './placeholders.ts';
import type { Environment } from './settings.ts';

/** One environment of the monthly runtime cache. */
export class RuntimeCacheStack extends Stack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, stackName(environment.name), {
      description: `Monthly runtime cache for EC2 server fleets (${environment.name})`,
      env: { account: environment.account, region: environment.region },
      terminationProtection: environment.production,
    });
    this.rejectPlaceholders(environment);
    const alarms = new OperatorAlarms(this, 'Alarms', {
      environment: environment.name,
      subscribers: environment.alarmSubscribers,
      runbookUrl: environment.runbookUrl,
    });
    const serversTable = new ServersTable(this, 'Servers', environment);
    const historyTable = new RuntimeHistoryTable(this, 'History', environment);
    const props = { environment, serversTable, historyTable, alarms };
    const reports = new MonthlyReports(this, 'Reports', environment);
    const calculation = new MonthlyRuntimeCalculation(this, 'Calculation', { ...props, reports });
    const eventResponse = new EventResponse(this, 'EventResponse', props);
    const fleetReport = new FleetReport(this, 'Report', props);
    const rows = [fleetReport, alarms, calculation, eventResponse].map((construct) => construct.dashboardRow());
    new FleetDashboard(this, 'Dashboard', environment.name, rows);

    new CfnOutput(this, 'CalculateMonthlyRuntimeName', { value: calculation.function.functionName });
    new CfnOutput(this, 'EventResponseName', { value: eventResponse.function.functionName });
    new CfnOutput(this, 'FleetReportName', { value: fleetReport.function.functionName });
    new CfnOutput(this, 'ServersTableName', { value: serversTable.tableName });
    new CfnOutput(this, 'RuntimeHistoryTableName', { value: historyTable.tableName });
    new CfnOutput(this, 'ReportsBucketName', { value: reports.bucketName });
    new CfnOutput(this, 'AlarmTopicArn', { value: alarms.topic.topicArn });
  }

  /**
   * Where nobody listens, no alarm is heard. Every stack is synthesized, whichever is deployed, so an error here would
   * stop the others as well; it is CloudFormation that refuses production with placeholders, with this sentence. Checking
   * without building, as CI does, needs nobody's address.
   */
  private rejectPlaceholders(environment: Environment): void {
    if (!this.bundlingRequired) return;
    const sentences = placeholdersIn(environment);
    sentences.forEach((sentence, index) => {
      Annotations.of(this).addWarningV2(`runtime-cache:placeholder-${index}`, `${sentence}.`);
    });
    if (!environment.production || sentences.length === 0) return;
    new CfnRule(this, 'PlaceholdersAreReplaced', {
      assertions: [
        {
          assert: Fn.conditionEquals('placeholders', 'replaced'),
          assertDescription: `${sentences.join('; ')}; replace it in lib/environments.ts.`,
        },
      ],
    });
  }
}
