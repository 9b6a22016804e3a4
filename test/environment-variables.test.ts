import { describe, expect, test } from 'vitest';
import { rustSources } from './support/rust-sources.ts';
import { resources, severalScopes, synthesize, testEnvironment } from './support/synth.ts';

/** The crates that are deployed as functions. */
const handlers = rustSources.flatMap(({ path }) => /^lambdas\/([^/]+)\/src\/main\.rs$/.exec(path)?.[1] ?? []);

/** The handler that a source belongs to; none where it is of a library, which all handlers share. */
function handlerOf(path: string): string | undefined {
  return handlers.find((handler) => path.startsWith(`lambdas/${handler}/`));
}

/** The variables a handler reads: what it, or a library on behalf of every handler, asks its `variables` for. */
function variablesRead(handler: string): string[] {
  const sources = rustSources.filter(({ path }) => [handler, undefined].includes(handlerOf(path)));
  const names = sources.flatMap(({ code }) => [...code.matchAll(/\bvariables\s*\.\w+\(\s*"([A-Z][A-Z0-9_]+)"/g)]);
  return [...new Set(names.map(([, name = '']) => name))].sort();
}

function camelCase(crate: string): string {
  return crate.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

// With every setting whose variable is only there when it is set.
const environment = testEnvironment({ ...severalScopes, cacheMaxAgeHours: 2 });
const functions = new Map(resources(synthesize(environment), 'AWS::Lambda::Function'));

test('every handler is deployed, and nothing else', () => {
  expect([...functions.keys()].sort()).toEqual(handlers.map(camelCase).sort());
});

describe('the variables that the template sets are exactly those the handler reads:', () => {
  test.each(handlers)('%s', (crate) => {
    const { Variables: variables } = functions.get(camelCase(crate))?.Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    // The region is Lambda's to tell.
    expect([...Object.keys(variables), 'AWS_REGION'].sort()).toEqual(variablesRead(crate));
  });
});
