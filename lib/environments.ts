import type { EnvironmentSettings } from './settings.ts';

/**
 * THE FILE TO EDIT: one entry per environment, deployed with `npm run deploy -- <name>`.
 *
 * What each setting means, its default and what it may be stands in `settings.ts`; a wrong one fails synth with a
 * sentence that names it. Values at `example.com` are placeholders: they warn, and CloudFormation refuses to
 * deploy a production environment until they are replaced.
 */
export const environments: readonly EnvironmentSettings[] = [
  {
    name: 'dev',
    tagAppValue: 'fleet-dev',
    alarmSubscribers: [],
    serversTable: { create: true },
    runbookUrl: 'https://example.com/runtime-cache/blob/main/docs/RUNBOOK.md',
    logRetentionDays: 14,
  },
  {
    name: 'prod',
    production: true,
    tagAppValue: 'fleet-prod',
    alarmSubscribers: ['operators@example.com', 'https://example.com/hooks/runtime-cache'],
    serversTable: { create: true },
    runbookUrl: 'https://example.com/runtime-cache/blob/main/docs/RUNBOOK.md',
    logRetentionDays: 365,
  },
];
