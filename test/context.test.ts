import { App, Stack } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { readContext } from '../lib/context.ts';
import { SettingsError } from '../lib/settings.ts';

test('by default it is not local, and the handlers are built', () => {
  const app = new App();
  expect(readContext(app)).toEqual({ local: false });
  expect(new Stack(app, 'any').bundlingRequired).toBe(true);
});

test.each([
  ['true', true],
  ['false', false],
  [true, true],
])('-c local=%j', (value, local) => {
  expect(readContext(new App({ context: { local: value } }))).toEqual({ local });
});

test('-c build=false builds no handler', () => {
  const app = new App({ context: { build: 'false' } });
  readContext(app);
  expect(new Stack(app, 'any').bundlingRequired).toBe(false);
});

test.each(['local', 'build'])('a wrong value of %s is named', (name) => {
  const app = new App({ context: { [name]: 'maybe' } });
  expect(() => readContext(app)).toThrow(new SettingsError(`Context "${name}" is "maybe", but must be true or false.`));
});
