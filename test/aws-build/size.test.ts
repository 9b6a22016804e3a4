// What is deployed starts the faster the smaller it is: Lambda fetches and unpacks it for each cold start.
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { builtFunctions } from './built-functions.ts';

const MIB = 1024 * 1024;

/** The most that a function's program may have, zipped as the CDK zips it, in MiB (ADR 0016). */
const MOST: Readonly<Record<string, number>> = { eventResponse: 5, calculateMonthlyRuntime: 7, fleetReport: 5 };

test.each(builtFunctions())('$name of $stack is small', ({ name, bootstrap }) => {
  expect(deflateRawSync(readFileSync(bootstrap), { level: 9 }).length / MIB).toBeLessThan(MOST[name] ?? 0);
});
