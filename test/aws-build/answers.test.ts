// What `npm run build:aws` has built, as it would be deployed: each program starts, under an emulator where this machine has
// other processors, with its stack's own settings, and answers an event.
import { expect, test } from 'vitest';
import { stateChange } from '../local-aws/state-change.ts';
import { architectureOf, builtFunctions, type BuiltFunction } from './built-functions.ts';
import { invokeOnce } from './lambda.ts';

const STRANGER = 'i-0123456789abcdef0';

/** By function: an event, and what it answers where there are no servers at all. */
const events: Partial<Record<string, (variables: BuiltFunction['variables']) => { event: unknown; answer: unknown }>> =
  {
    calculateMonthlyRuntime: () => ({
      event: {},
      answer: { statusCode: 200, body: expect.stringContaining('"message":"No servers found"') as unknown },
    }),
    eventResponse: ({ TAG_APP_KEY: key, TAG_APP_VALUE: value }) => ({
      event: stateChange(STRANGER, 'running'),
      answer: { id: STRANGER, ignored: `not tagged ${key}=${value}` },
    }),
    fleetReport: () => ({
      event: { report: 'fleet', format: 'csv' },
      answer: { csv: expect.stringMatching(/^account,region,id,[^\n]*,day31\r\n$/) as unknown, next: null },
    }),
  };

test.each(builtFunctions())('$name of $stack runs on $architecture', async (built) => {
  expect(architectureOf(built.bootstrap)).toBe(built.architecture);
  const { event, answer } = events[built.name]?.(built.variables) ?? {};
  expect(event, `an event for ${built.name}`).toBeDefined();
  expect(await invokeOnce(built, event)).toEqual({ kind: 'response', body: answer });
});
