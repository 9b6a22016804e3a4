import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, type IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { stackName } from '../naming.ts';

/** The whole width of a dashboard. */
export const WHOLE_WIDTH = 24;

/** The environment's dashboard: a row of widgets from each construct that has something to show. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, environment: string, rows: readonly IWidget[][]) {
    super(scope, id);
    const dashboardName = stackName(environment);
    new Dashboard(this, 'Dashboard', {
      dashboardName,
      // What is shown changes every hour: a week shows its pattern.
      defaultInterval: Duration.days(7),
      widgets: rows.map((row) => [...row]),
    });
    const { region } = Stack.of(this);
    new CfnOutput(Stack.of(this), 'DashboardUrl', {
      value: `https://${region}.${consoleOf(region)}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`,
    });
  }
}

/** A row of graphs, each with a title and its metrics, which take the whole width together. */
export function graphs(...row: readonly [title: string, metrics: readonly IMetric[]][]): IWidget[] {
  const wider = WHOLE_WIDTH % row.length;
  return row.map(
    ([title, metrics], place) =>
      new GraphWidget({
        title,
        left: [...metrics],
        leftYAxis: { min: 0, showUnits: false },
        width: Math.floor(WHOLE_WIDTH / row.length) + (place < wider ? 1 : 0),
        height: 6,
        liveData: true,
      }),
  );
}

/** The domain of the console of a region's partition. A region that is not known yet is taken for one of the standard one. */
function consoleOf(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  if (region.startsWith('us-gov-')) return 'console.amazonaws-us-gov.com';
  return 'console.aws.amazon.com';
}
