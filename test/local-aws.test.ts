import { expect, test } from 'vitest';
import { asLocal } from '../lib/local-aws.ts';
import { testEnvironment } from './support/synth.ts';

const environment = testEnvironment({
  account: '123456789012',
  region: 'eu-central-1',
  alarmSubscribers: ['operators@wiki.test'],
  logRetentionDays: 14,
});

test('built for the machine, tied to no account, mailing nobody, and otherwise the same', () => {
  expect(asLocal(environment, 'x64')).toEqual({
    ...environment,
    local: true,
    architecture: 'x86_64',
    account: undefined,
    region: undefined,
    alarmSubscribers: [],
  });
  expect(asLocal(environment, 'arm64').architecture).toBe('arm64');
});

test('a machine that Lambda does not run on is refused', () => {
  expect(() => asLocal(environment, 'riscv64')).toThrow(
    'Context "local" is true, but must be false on this machine: Lambda does not run on riscv64.',
  );
});
