import { describe, expect, test } from 'vitest';
import { isPlaceholder, placeholdersIn } from '../lib/placeholders.ts';
import { testEnvironment } from './support/synth.ts';

describe('a placeholder is an address or URL at a domain reserved for examples', () => {
  test.each([
    'ops@example.com',
    'ops@mail.example.org',
    'https://example.net/x',
    'https://hooks.EXAMPLE.com',
    'a@x.example',
  ])('%s is', (value) => {
    expect(isPlaceholder(value)).toBe(true);
  });

  test.each(['ops@wiki.test', 'https://counterexample.com/', 'https://wiki.test/example.com', 'example.com@wiki.test'])(
    '%s is not',
    (value) => {
      expect(isPlaceholder(value)).toBe(false);
    },
  );
});

describe('an environment', () => {
  const environment = testEnvironment({
    alarmSubscribers: ['real@wiki.test', 'operators@example.com'],
    runbookUrl: 'https://example.com/RUNBOOK.md',
  });

  test('has each of its placeholders named', () => {
    expect(placeholdersIn(environment)).toEqual([
      'Environment "test": setting "alarmSubscribers" still holds the placeholder "operators@example.com"',
      'Environment "test": setting "runbookUrl" still holds the placeholder "https://example.com/RUNBOOK.md"',
    ]);
  });

  test('may keep them in a local AWS', () => {
    expect(placeholdersIn({ ...environment, local: true })).toEqual([]);
  });
});
