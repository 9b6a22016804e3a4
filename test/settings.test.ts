import { describe, expect, test } from 'vitest';
import { resolveEnvironments, SettingsError } from '../lib/settings.ts';
import { minimalSettings, severalScopes } from './support/synth.ts';

/** What a wrong setting gets; wrong on purpose, so not typed. */
function refusal(...all: Record<string, unknown>[]): string[] {
  try {
    resolveEnvironments(all.map((changes) => ({ ...minimalSettings, ...changes })));
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('defaults', () => {
  test('fill in what is not set', () => {
    expect(resolveEnvironments([minimalSettings])).toEqual([
      {
        ...minimalSettings,
        production: false,
        tagAppKey: 'App',
        architecture: 'arm64',
        logRetentionDays: 90,
        cloudTrailLookbackDays: 7,
        cloudTrailOverlapMinutes: 60,
        monthOpenHours: 24,
        askCloudWatch: true,
        scopes: [],
        local: false,
      },
    ]);
  });

  test('stand in for an explicit undefined too', () => {
    expect(resolveEnvironments([{ ...minimalSettings, tagAppKey: undefined }])[0]?.tagAppKey).toBe('App');
  });

  test('do not overrule what is set', () => {
    const settings = {
      ...minimalSettings,
      account: '123456789012',
      region: 'eu-central-1',
      production: true,
      tagAppKey: 'Project',
      architecture: 'x86_64',
      logRetentionDays: 14,
      cloudTrailLookbackDays: 30,
      cloudTrailOverlapMinutes: 120,
      monthOpenHours: 48,
      askCloudWatch: false,
      cacheMaxAgeHours: 1.5,
      scopes: [{ regions: ['us-east-1'] }],
      organizationId: 'o-a1b2c3d4e5',
      serversTable: { existingName: 'Servers-Prod.1' },
    } as const;
    expect(resolveEnvironments([settings])).toEqual([{ ...settings, local: false }]);
  });
});

describe('a wrong setting is named, with its environment and what is allowed:', () => {
  test.each<[setting: string, value: unknown, allowed: string]>([
    ['account', 123456789012, 'an account id of 12 digits, as a string'],
    ['account', '12345678901', 'an account id of 12 digits, as a string'],
    ['region', 'Frankfurt', 'a region such as "eu-central-1"'],
    ['production', 'yes', 'true or false'],
    ['tagAppKey', 'aws:app', '1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with "aws:"'],
    ['tagAppKey', '', '1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with "aws:"'],
    ['tagAppValue', 'fleet*', '1 to 256 letters, digits, spaces and _.:/=+-@'],
    ['tagAppValue', 'fleet?', '1 to 256 letters, digits, spaces and _.:/=+-@'],
    ['alarmSubscribers', 'ops@wiki.test', 'a list of different mail addresses and https:// URLs'],
    ['alarmSubscribers', ['ops'], 'a list of different mail addresses and https:// URLs'],
    ['alarmSubscribers', ['http://wiki.test/hook'], 'a list of different mail addresses and https:// URLs'],
    ['alarmSubscribers', ['a@wiki.test', 'a@wiki.test'], 'a list of different mail addresses and https:// URLs'],
    ['runbookUrl', 'http://wiki.test/RUNBOOK.md', 'an https:// URL without a # part'],
    ['runbookUrl', 'https://wiki.test/RUNBOOK.md#top', 'an https:// URL without a # part'],
    ['architecture', 'arm', '"arm64" or "x86_64"'],
    ['cloudTrailLookbackDays', 0, 'a whole number from 1 to 59'],
    ['cloudTrailLookbackDays', 60, 'a whole number from 1 to 59'],
    ['cloudTrailLookbackDays', 1.5, 'a whole number from 1 to 59'],
    ['cloudTrailLookbackDays', '7', 'a whole number from 1 to 59'],
    ['cloudTrailOverlapMinutes', 0, 'a whole number from 15 to 1440'],
    ['monthOpenHours', 200, 'a whole number from 1 to 168'],
    ['cacheMaxAgeHours', 0, 'a number from 1 to 744'],
    ['cacheMaxAgeHours', 0.5, 'a number from 1 to 744'],
    ['cacheMaxAgeHours', 745, 'a number from 1 to 744'],
    ['cacheMaxAgeHours', '3', 'a number from 1 to 744'],
    ['cacheMaxAgeHours', NaN, 'a number from 1 to 744'],
  ])('%s: %j', (setting, value, allowed) => {
    expect(refusal({ [setting]: value })).toEqual([
      `Environment "test": setting "${setting}" is ${JSON.stringify(value)}, but must be ${allowed}.`,
    ]);
  });

  test.each([42, 0, -1, '14', 9999])('logRetentionDays: %j', (value) => {
    const [sentence, ...more] = refusal({ logRetentionDays: value });
    expect(sentence).toMatch(
      /^Environment "test": setting "logRetentionDays" is .*, but must be one of 1, 3, 5, 7, 14, /,
    );
    expect(more).toEqual([]);
  });

  test.each([{}, { create: false }, { existingName: 'x' }, { create: true, existingName: 'Servers' }, null, 'Servers'])(
    'serversTable: %j',
    (value) => {
      const [sentence, ...more] = refusal({ serversTable: value });
      expect(sentence).toContain(`Environment "test": setting "serversTable" is ${JSON.stringify(value)}, but must be`);
      expect(sentence).toContain('{ create: true }, or { existingName: "…" }');
      expect(more).toEqual([]);
    },
  );

  test.each(['Dev', 'my-env', '1st', '', 'a'.repeat(21)])('name: %j', (name) => {
    expect(refusal({ name })).toEqual([
      `Environment ${JSON.stringify(name)}: setting "name" is ${JSON.stringify(name)}, ` +
        'but must be 1 to 20 lower-case letters and digits, the first a letter.',
    ]);
  });

  test.each(['name', 'tagAppValue', 'alarmSubscribers', 'runbookUrl', 'serversTable'])('%s missing', (setting) => {
    const [sentence, ...more] = refusal({ [setting]: undefined });
    expect(sentence).toContain(`: setting "${setting}" is missing; it must be `);
    expect(more).toEqual([]);
  });

  test('once, however much is wrong with it', () => {
    const wrong = { alarmSubscribers: ['ops', 'http://wiki.test/hook'], serversTable: { create: true, retain: true } };
    expect(refusal(wrong)).toEqual([
      expect.stringContaining('setting "alarmSubscribers" is ["ops","http://wiki.test/hook"], but must be'),
      expect.stringContaining('setting "serversTable" is {"create":true,"retain":true}, but must be'),
    ]);
  });

  test('a setting that does not exist', () => {
    expect(refusal({ tagAppvalue: 'fleet' })).toEqual([
      expect.stringMatching(
        /^Environment "test": setting "tagAppvalue" does not exist, but must be one of name, .*\.$/,
      ),
    ]);
  });

  test.each([
    ['us-east-1'],
    [{ account: '1', regions: ['us-east-1'] }],
    [{ regions: [] }],
    [{ regions: ['virginia'] }],
    [{ account: '222233334444' }],
  ])('scopes: %j', (scope) => {
    const [sentence, ...more] = refusal({ ...severalScopes, scopes: [scope] });
    expect(sentence).toContain(`setting "scopes" is ${JSON.stringify([scope])}, but must be a list such as [`);
    expect(more).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['without a place', { account: undefined }, 'can only be where "account" and "region" are set too'],
    [
      'with the home scope',
      { scopes: [{ regions: ['eu-west-1'] }] },
      'has 111122223333/eu-west-1, but that is the home',
    ],
    [
      'with one twice',
      { scopes: [{ regions: ['us-east-1'] }, { account: '111122223333', regions: ['us-east-1'] }] },
      'has 111122223333/us-east-1 twice',
    ],
    [
      'with too many',
      {
        scopes: Array.from({ length: 300 }, (_, n) => ({
          account: String(400_000_000_000 + n),
          regions: ['us-east-1'],
        })),
      },
      'characters as a variable, but must take at most 3000',
    ],
  ])('scopes %s', (_, changes, problem) => {
    const [sentence, ...more] = refusal({ ...severalScopes, ...changes });
    expect(sentence).toContain('Environment "test": setting "scopes"');
    expect(sentence).toContain(problem);
    expect(more).toEqual([]);
  });

  test('a name used twice', () => {
    expect(refusal({}, {})).toEqual(['Environment "test": setting "name" is used twice, but must be unique.']);
  });

  test('every wrong setting of every environment at once', () => {
    expect(refusal({ name: 'one', region: 'x' }, { name: 'two', account: 'y', production: 0 })).toHaveLength(3);
  });
});
