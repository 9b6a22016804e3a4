import { isMailAddress, type Environment } from './settings.ts';

/** One sentence for each setting of an environment that still holds a placeholder; a local AWS may keep its own. */
export function placeholdersIn({ name, local, alarmSubscribers, runbookUrl }: Environment): string[] {
  if (local) return [];
  return Object.entries({ alarmSubscribers, runbookUrl: [runbookUrl] }).flatMap(([setting, values]) =>
    values
      .filter(isPlaceholder)
      .map(
        (value) => `Environment "${name}": setting "${setting}" still holds the placeholder ${JSON.stringify(value)}`,
      ),
  );
}

/** Whether an address or URL is at a domain that is reserved for examples, where nobody listens. */
export function isPlaceholder(value: string): boolean {
  const host = isMailAddress(value) ? value.slice(value.lastIndexOf('@') + 1) : new URL(value).hostname;
  return /(^|\.)example(\.(com|net|org))?$/i.test(host);
}
