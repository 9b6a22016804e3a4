import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resources, synthesize, testEnvironment } from './support/synth.ts';

const lambdas = resolve(import.meta.dirname, '../lambdas');

/** The crates that are deployed as functions. */
const handlers = readdirSync(lambdas).filter((crate) => existsSync(resolve(lambdas, crate, 'src/main.rs')));

/** The variables a handler reads: the names in its `config.rs`, leaving out its tests and what Lambda itself sets. */
function variablesRead(crate: string): string[] {
  const path = resolve(lambdas, crate, 'src/config.rs');
  if (!existsSync(path)) throw new Error(`${path} is missing: a handler names its environment variables there`);
  const [code = ''] = readFileSync(path, 'utf8').split('#[cfg(test)]');
  const names = [...code.matchAll(/^(?!\s*\/\/).*?"([A-Z][A-Z0-9_]{2,})"/gm)].flatMap(([, name]) => name ?? []);
  return [...new Set(names)].filter((name) => !name.startsWith('AWS_')).sort();
}

function camelCase(crate: string): string {
  return crate.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

// With every setting whose variable is only there when it is set.
const functions = new Map(resources(synthesize(testEnvironment({ cacheMaxAgeHours: 2 })), 'AWS::Lambda::Function'));

test('every handler is deployed, and nothing else', () => {
  expect([...functions.keys()].sort()).toEqual(handlers.map(camelCase).sort());
});

describe('the variables that the template sets are exactly those the handler reads:', () => {
  test.each(handlers)('%s', (crate) => {
    const { Variables: variables } = functions.get(camelCase(crate))?.Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    expect(Object.keys(variables).sort()).toEqual(variablesRead(crate));
  });
});
