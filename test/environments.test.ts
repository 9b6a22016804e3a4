import { expect, test } from 'vitest';
import { environments } from '../lib/environments.ts';
import { resolveEnvironments } from '../lib/settings.ts';

test('dev and prod are valid, and only prod is production', () => {
  const production = Object.fromEntries(resolveEnvironments(environments).map((env) => [env.name, env.production]));
  expect(production).toEqual({ dev: false, prod: true });
});

test('environments do not share servers', () => {
  const fleets = resolveEnvironments(environments).map(({ tagAppKey, tagAppValue }) => `${tagAppKey}=${tagAppValue}`);
  expect(new Set(fleets).size).toBe(fleets.length);
});
