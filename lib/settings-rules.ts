import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { EnvironmentSettings } from './settings.ts';

/** What a setting may be, as a test and in words that complete "it must be …". */
interface Rule {
  readonly required: boolean;
  readonly allowed: string;
  readonly holds: (value: unknown) => boolean;
}

const MAIL_ADDRESS = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;
/** The periods that CloudWatch Logs offers, but for "forever". */
const retentionDays: readonly unknown[] = Object.values(RetentionDays).filter(
  (days) => typeof days === 'number' && days !== RetentionDays.INFINITE,
);

/** CloudTrail keeps 90 days; a lookback before a month of 31 days has the rest. */
const MAX_LOOKBACK_DAYS = 59;

/** One rule per setting of {@link EnvironmentSettings}. */
export const rules: { readonly [Setting in keyof Required<EnvironmentSettings>]: Rule } = {
  name: required('1 to 20 lower-case letters and digits, the first a letter', matches(/^[a-z][a-z0-9]{0,19}$/)),
  account: optional('an account id of 12 digits, as a string', matches(/^\d{12}$/)),
  region: optional('a region such as "eu-central-1"', matches(/^[a-z]{2}(-[a-z]+)+-\d$/)),
  production: optional('true or false', isBoolean),
  // EC2 reads * and ? in a tag filter as wildcards: a fleet would quietly grow by its neighbours.
  tagAppKey: optional(
    '1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with "aws:"',
    matches(/^(?!aws:)[\p{L}\p{N} _.:/=+\-@]{1,128}$/iu),
  ),
  tagAppValue: required('1 to 256 letters, digits, spaces and _.:/=+-@', matches(/^[\p{L}\p{N} _.:/=+\-@]{1,256}$/u)),
  alarmSubscribers: required('a list of different mail addresses and https:// URLs', isSubscriberList),
  runbookUrl: required(
    'an https:// URL without a # part',
    (value) => isHttpsUrl(value) && !String(value).includes('#'),
  ),
  serversTable: required(
    '{ create: true }, or { existingName: "…" } with a table name of 3 to 255 letters, digits and _.-',
    isServersTable,
  ),
  architecture: optional('"arm64" or "x86_64"', (value) => value === 'arm64' || value === 'x86_64'),
  logRetentionDays: optional(`one of ${retentionDays.join(', ')}`, (value) => retentionDays.includes(value)),
  cloudTrailLookbackDays: optional(...wholeNumber(1, MAX_LOOKBACK_DAYS)),
  // CloudTrail delivers within 5 minutes on average, within 15 commonly.
  cloudTrailOverlapMinutes: optional(...wholeNumber(15, 24 * 60)),
  monthOpenHours: optional(...wholeNumber(1, 7 * 24)),
  // Values are of the current month only, which is 31 days at most.
  cacheMaxAgeHours: optional(...numberWithin(1, 31 * 24)),
};

/** Says that a setting does not exist, and which do. */
export function unknownSetting(setting: string): string {
  return `setting "${setting}" does not exist, but must be one of ${Object.keys(rules).join(', ')}.`;
}

/** Whether an alarm subscriber is a mail address, rather than an HTTPS URL. */
export function isMailAddress(subscriber: unknown): boolean {
  return typeof subscriber === 'string' && MAIL_ADDRESS.test(subscriber) && !subscriber.includes('/');
}

function required(allowed: string, holds: Rule['holds']): Rule {
  return { required: true, allowed, holds };
}

function optional(allowed: string, holds: Rule['holds']): Rule {
  return { required: false, allowed, holds };
}

function wholeNumber(least: number, most: number): [string, Rule['holds']] {
  const holds = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return [`a whole number from ${least} to ${most}`, holds];
}

function numberWithin(least: number, most: number): [string, Rule['holds']] {
  const holds = (value: unknown) => typeof value === 'number' && value >= least && value <= most;
  return [`a number from ${least} to ${most}`, holds];
}

function matches(pattern: RegExp): Rule['holds'] {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isHttpsUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'https:';
}

function isSubscriberList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const valid = value.every((subscriber) => isMailAddress(subscriber) || isHttpsUrl(subscriber));
  return valid && new Set(value).size === value.length;
}

function isServersTable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return false;
  if ('create' in value) return value.create === true;
  return 'existingName' in value && matches(/^[\w.-]{3,255}$/)(value.existingName);
}
