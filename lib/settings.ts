import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { scopeProblems } from './scopes.ts';

/** What people are told of a setting: in the sentence about a wrong one, and in the document's table. */
export interface Description {
  /** What it may be, in words that complete "it must be …". */
  readonly allowed: string;
  /** What it means, in Markdown. */
  readonly meaning: string;
  /** What holds where it is not set, of a setting that has no default value. */
  readonly unset?: string;
}

const descriptions = z.registry<Description>();

const MAIL_ADDRESS = /^[^\s@/]+@[^\s@./]+(\.[^\s@./]+)+$/;
const accountId = z.string().regex(/^\d{12}$/);
const regionName = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/);
const httpsUrl = z.url({ protocol: /^https$/ });

/** The periods that CloudWatch Logs offers, but for "forever". */
const retentionDays: number[] = Object.values(RetentionDays).filter(
  (days) => typeof days === 'number' && days !== RetentionDays.INFINITE,
);

/** CloudTrail keeps 90 days; a lookback before a month of 31 days has the rest. */
const MAX_LOOKBACK_DAYS = 59;

/** Values of the cache are of the current month only. */
const LONGEST_MONTH_HOURS = 31 * 24;

/**
 * What an operator sets for an environment. All there is to know of a setting stands here: its type, what it may be, its
 * default and its description. The document's table is rendered from it.
 */
export const settingsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,19}$/)
    .register(descriptions, {
      allowed: '1 to 20 lower-case letters and digits, the first a letter',
      meaning:
        'part of every name: stack `runtime-cache-<name>`, function `runtime-cache-<name>-calculateMonthlyRuntime`',
    }),
  // With * or ? a fleet would quietly grow by its neighbours.
  tagAppValue: z
    .string()
    .regex(/^[\p{L}\p{N} _.:/=+\-@]{1,256}$/u)
    .register(descriptions, {
      allowed: '1 to 256 letters, digits, spaces and _.:/=+-@',
      meaning: 'value of the tag that makes an instance a server; no `*` or `?`, which EC2 would read as wildcards',
    }),
  tagAppKey: z
    .string()
    .regex(/^(?!aws:)[\p{L}\p{N} _.:/=+\-@]{1,128}$/iu)
    .default('App')
    .register(descriptions, {
      allowed: '1 to 128 letters, digits, spaces and _.:/=+-@, not beginning with "aws:"',
      meaning: 'key of that tag',
    }),
  alarmSubscribers: z
    .array(z.union([z.string().regex(MAIL_ADDRESS), httpsUrl]))
    .refine((subscribers) => new Set(subscribers).size === subscribers.length)
    .readonly()
    .register(descriptions, {
      allowed: 'a list of different mail addresses and https:// URLs',
      meaning: 'who hears of alarms; where the list is empty, they show in the console only',
    }),
  runbookUrl: httpsUrl
    .refine((url) => !url.includes('#'))
    .register(descriptions, {
      allowed: 'an https:// URL without a # part',
      meaning: 'where `docs/RUNBOOK.md` can be read; every alarm links to its heading there',
    }),
  serversTable: z
    .union([
      z.strictObject({ create: z.literal(true) }).readonly(),
      z.strictObject({ existingName: z.string().regex(/^[\w.-]{3,255}$/) }).readonly(),
    ])
    .register(descriptions, {
      allowed: '{ create: true }, or { existingName: "…" } with a table name of 3 to 255 letters, digits and _.-',
      meaning: 'the table that holds the cache: the stack makes it, or it is there, in the same account and region',
    }),
  production: z
    .boolean()
    .default(false)
    .register(descriptions, {
      allowed: 'true or false',
      meaning:
        'whether losing the environment would hurt: tables and logs outlive the stack, the stack is protected from ' +
        'deletion, and it cannot be deployed with placeholders',
    }),
  account: accountId.optional().register(descriptions, {
    allowed: 'an account id of 12 digits, as a string',
    meaning: 'account to deploy to',
    unset: 'that of the credentials',
  }),
  region: regionName.optional().register(descriptions, {
    allowed: 'a region such as "eu-central-1"',
    meaning: 'region to deploy to; the servers of this region are counted',
    unset: "that of the credentials' profile",
  }),
  scopes: z
    .array(z.strictObject({ account: accountId.optional(), regions: z.array(regionName).min(1).readonly() }).readonly())
    .readonly()
    .default([])
    .register(descriptions, {
      allowed: 'a list such as [{ regions: ["us-east-1"] }, { account: "111122223333", regions: ["eu-west-1"] }]',
      meaning:
        'which servers are counted further than those of `account` and `region`: regions of the same account, and other ' +
        'accounts with their regions',
    }),
  organizationId: z
    .string()
    .regex(/^o-[a-z0-9]{10,32}$/)
    .optional()
    .register(descriptions, {
      allowed: 'the id of an AWS organization, such as "o-a1b2c3d4e5"',
      meaning: 'organization that the accounts of `scopes` are in: their reader roles then trust nobody outside of it',
      unset: 'the trust is limited by account and role alone',
    }),
  architecture: z.enum(['arm64', 'x86_64']).default('arm64').register(descriptions, {
    allowed: '"arm64" or "x86_64"',
    meaning: 'processor architecture of the functions',
  }),
  logRetentionDays: z
    .literal(retentionDays)
    .default(90)
    .register(descriptions, {
      allowed: `one of ${retentionDays.join(', ')}`,
      meaning: "days to keep the functions' logs",
    }),
  cloudTrailLookbackDays: wholeNumber({
    from: 1,
    to: MAX_LOOKBACK_DAYS,
    default: 7,
    meaning: 'days before the start of the month of which CloudTrail is read',
  }),
  // CloudTrail delivers within 5 minutes on average, within 15 commonly.
  cloudTrailOverlapMinutes: wholeNumber({
    from: 15,
    to: 24 * 60,
    default: 60,
    meaning: 'minutes of CloudTrail that each run reads again, for events delivered late; once a day it is 25 hours',
  }),
  monthOpenHours: wholeNumber({
    from: 1,
    to: 7 * 24,
    default: 24,
    meaning: 'hours after its end that a month stays open for late events; then its numbers are final',
  }),
  askCloudWatch: z
    .boolean()
    .default(true)
    .register(descriptions, {
      allowed: 'true or false',
      meaning:
        "whether CloudWatch's samples of the status checks are asked about the time that everything else leaves open, such " +
        'as after a shutdown from inside the guest',
    }),
  cacheMaxAgeHours: z
    .number()
    .min(1)
    .max(LONGEST_MONTH_HOURS)
    .optional()
    .register(descriptions, {
      allowed: `a number from 1 to ${LONGEST_MONTH_HOURS}`,
      meaning:
        'hours after which a cached value is too old for `eventResponse` to answer with, and is calculated anew; the ' +
        'hourly run refreshes every value anyway',
      unset: 'a cached value is always used, whatever its age',
    }),
});

/** What people are told of a setting of {@link settingsSchema}. */
export function descriptionOf(setting: z.ZodType): Description {
  const description = descriptions.get(setting);
  if (!description) throw new Error('a setting has no description');
  return description;
}

/** What an operator sets for an environment. */
export type EnvironmentSettings = Readonly<z.input<typeof settingsSchema>>;

/** A validated environment with every default filled in. */
export interface Environment extends Readonly<z.output<typeof settingsSchema>> {
  /** Whether this is the local AWS: built for, and with the toolchain of, the machine at hand. */
  readonly local: boolean;
}

/** The architectures Lambda offers. */
export type ArchitectureName = Environment['architecture'];

/** One or more settings are wrong; the message has one sentence for each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Validates the environments and fills in the defaults.
 *
 * All of it at run time: the app runs without a type check, and an operator deserves a sentence, not a stack trace.
 */
export function resolveEnvironments(all: readonly EnvironmentSettings[]): Environment[] {
  const results = all.map((settings) => ({ settings, ...settingsSchema.safeParse(settings) }));
  const wrong = results.flatMap(({ settings, error }) => (error ? sentences(settings, error.issues) : []));
  const problems = [...wrong, ...repeatedNames(all), ...(wrong.length > 0 ? [] : all.flatMap(wrongScopes))];
  if (problems.length > 0) throw new SettingsError(problems.join('\n'));
  return results.flatMap(({ data }) => (data ? { ...data, local: false } : []));
}

/** Whether an alarm subscriber is a mail address, rather than an HTTPS URL. */
export function isMailAddress(subscriber: string): boolean {
  return MAIL_ADDRESS.test(subscriber);
}

/** One sentence for each setting of an environment that is wrong, however much is wrong with it. */
function sentences(settings: EnvironmentSettings, issues: readonly z.core.$ZodIssue[]): string[] {
  const given: Record<string, unknown> = { ...settings };
  const environment = `Environment ${JSON.stringify(given.name ?? '(no name)')}`;
  const wrong = issues.flatMap((issue) => {
    const [setting] = issue.path;
    return issue.code === 'unrecognized_keys' && setting === undefined ? issue.keys : String(setting);
  });
  return [...new Set(wrong)].map(
    (setting) => `${environment}: setting "${setting}" ${whatIsWrong(setting, given[setting])}.`,
  );
}

/** What is wrong with a value, in words that complete "setting … …". */
function whatIsWrong(setting: string, value: unknown): string {
  const schemas: Record<string, z.ZodType | undefined> = settingsSchema.shape;
  const schema = schemas[setting];
  if (!schema) return `does not exist, but must be one of ${Object.keys(schemas).join(', ')}`;
  const { allowed } = descriptionOf(schema);
  return value === undefined
    ? `is missing; it must be ${allowed}`
    : `is ${JSON.stringify(value)}, but must be ${allowed}`;
}

function wrongScopes(settings: EnvironmentSettings): string[] {
  return scopeProblems(settings).map((problem) => `Environment "${settings.name}": setting "scopes" ${problem}.`);
}

function repeatedNames(all: readonly EnvironmentSettings[]): string[] {
  const names = all.map(({ name }) => name);
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...repeated].map((name) => `Environment "${name}": setting "name" is used twice, but must be unique.`);
}

/** A setting that is a whole number. */
function wholeNumber(range: { from: number; to: number; default: number; meaning: string }): z.ZodDefault<z.ZodInt> {
  const { from, to, meaning } = range;
  return z
    .int()
    .min(from)
    .max(to)
    .default(range.default)
    .register(descriptions, { allowed: `a whole number from ${from} to ${to}`, meaning });
}
