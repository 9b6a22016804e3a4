import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import { TriggeredHandler } from '../lib/constructs/triggered-handler.ts';
import { METRIC_NAMESPACE } from '../lib/naming.ts';
import { RuntimeCacheStack } from '../lib/runtime-cache-stack.ts';
import { findPassage } from './support/documents.ts';
import { rustSources } from './support/rust-sources.ts';
import { resources, synthesize, testApp, testEnvironment } from './support/synth.ts';

/** The metrics that handlers emit: wherever the Rust code speaks of a metric's `Unit`, each is a call or tuple that begins with its name. */
function emitted(): string[] {
  const names = rustSources
    .filter(({ code }) => /\bUnit\b/.test(code))
    .flatMap(({ code }) => [...code.matchAll(/\(\s*"([A-Z]\w+)"\s*,/g)].map(([, name = '']) => name));
  return sorted(names);
}

/** The metrics that the constructs have a method for. */
function known(): string[] {
  const constructs = new RuntimeCacheStack(testApp(), testEnvironment()).node.findAll();
  const names = constructs.filter((construct) => construct instanceof TriggeredHandler).flatMap(metricsOf);
  return sorted(names);
}

function metricsOf(handler: TriggeredHandler): string[] {
  const members = Object.getOwnPropertyNames(Object.getPrototypeOf(handler)).filter((name) =>
    /^metric[A-Z]/.test(name),
  );
  return members.flatMap((member) => {
    const metric: unknown = (handler as unknown as Record<string, () => unknown>)[member]?.();
    return metric instanceof Metric && metric.namespace === METRIC_NAMESPACE ? metric.metricName : [];
  });
}

/** The metrics that the documents' table explains. */
function explained(): string[] {
  const { text } = findPassage(/^\| metric \|.*\n(?:\|.*\n)+/);
  const cells = text.split('\n').map((row) => row.split('|')[1] ?? '');
  return sorted(cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)));
}

function sorted(names: string[]): string[] {
  return [...new Set(names)].sort();
}

describe('the metrics that handlers emit are exactly', () => {
  test('those that the constructs have a method for', () => {
    expect(known()).toEqual(emitted());
  });

  test('those that the documents explain', () => {
    expect(explained()).toEqual(emitted());
  });
});

test('every alarm on a metric of ours is on one that a handler emits', () => {
  const watched = resources(synthesize(testEnvironment()), 'AWS::CloudWatch::Alarm')
    .filter(([, { Properties }]) => Properties.Namespace === METRIC_NAMESPACE)
    .map(([, { Properties }]) => Properties.MetricName);
  expect(watched).not.toEqual([]);
  expect(emitted()).toEqual(expect.arrayContaining(watched));
});
