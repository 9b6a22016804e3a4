import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { OperatorAlarms } from './operator-alarms.ts';
import type { RustHandler } from './rust-handler.ts';

/** Short, so that an alarm comes within minutes of its cause. */
const PERIOD = Duration.minutes(5);

/** What {@link addHandlerAlarms} watches. */
export interface HandlerAlarmsProps {
  /** What the function does, in lower-case words joined by dashes: the beginning of each alarm's name. */
  readonly prefix: string;
  /** The function to watch. */
  readonly handler: RustHandler;
  /**
   * Which share of its invocations may fail, in percent, and for how many hours in a row.
   * @default - 5 % at any time
   */
  readonly errors?: { readonly percent: number; readonly hours: number };
  /** The longest an invocation should take. */
  readonly maxDuration: Duration;
}

/** Adds the alarms that every function has: errors, duration, throttling and dead letters. */
export function addHandlerAlarms(alarms: OperatorAlarms, props: HandlerAlarmsProps): void {
  addErrorsAlarm(alarms, props);
  addDurationAlarm(alarms, props);
  const { prefix, handler } = props;
  const name = handler.function.functionName;
  alarms.add(`${prefix}-throttles`, {
    meaning: `Lambda refused to start ${name} because the account's concurrency is used up.`,
    metric: handler.function.metricThrottles({ statistic: Stats.SUM, period: PERIOD }),
    threshold: 0,
  });
  alarms.add(`${prefix}-dead-letters`, {
    meaning: `Events for ${name} failed for good and wait in its dead-letter queue.`,
    metric: handler.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      statistic: Stats.MAXIMUM,
      period: PERIOD,
    }),
    threshold: 0,
  });
}

function addErrorsAlarm(alarms: OperatorAlarms, { prefix, handler, errors }: HandlerAlarmsProps): void {
  const period = errors ? Duration.hours(1) : PERIOD;
  const options = { statistic: Stats.SUM, period };
  const lasting = errors ? ` for ${errors.hours} hours in a row` : '';
  const percent = errors?.percent ?? 5;
  alarms.add(`${prefix}-errors`, {
    meaning: `More than ${percent} % of the invocations of ${handler.function.functionName} fail${lasting}.`,
    metric: new MathExpression({
      label: 'Errors in % of invocations',
      expression: '100 * errors / invocations',
      usingMetrics: {
        errors: handler.function.metricErrors(options),
        invocations: handler.function.metricInvocations(options),
      },
      period,
    }),
    threshold: percent,
    evaluationPeriods: errors?.hours ?? 1,
    // Between runs nothing has changed: a failure stays one until an invocation succeeds.
    treatMissingData: TreatMissingData.IGNORE,
  });
}

function addDurationAlarm(alarms: OperatorAlarms, { prefix, handler, maxDuration }: HandlerAlarmsProps): void {
  alarms.add(`${prefix}-duration`, {
    meaning: `An invocation of ${handler.function.functionName} took longer than ${maxDuration.toSeconds()} seconds.`,
    metric: handler.function.metricDuration({ statistic: Stats.MAXIMUM, period: PERIOD }),
    threshold: maxDuration.toMilliseconds(),
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.IGNORE,
  });
}
