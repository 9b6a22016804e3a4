import { expect, test } from 'vitest';
import { descriptionOf, settingsSchema } from '../lib/settings.ts';
import { findPassage } from './support/documents.ts';

type Setting = (typeof settingsSchema.shape)[keyof typeof settingsSchema.shape];

/** What the table says of a setting that is not set. */
function whenNotSet(setting: Setting): string {
  const { success, data } = setting.safeParse(undefined);
  if (!success) return 'required';
  if (data !== undefined) return `\`${JSON.stringify(data)}\``;
  const { unset } = descriptionOf(setting);
  if (!unset) throw new Error('a setting without a default value says what holds where it is not set');
  return unset;
}

/** The table of all settings, in Markdown. */
function settingsTable(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, setting]) => {
    const { allowed, meaning } = descriptionOf(setting);
    return [`\`${name}\``, meaning, whenNotSet(setting), allowed];
  });
  const header = ['setting', 'meaning', 'required, or where it is not set', 'what it may be'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

// `npx vitest run --project cdk -u` writes it into the document.
test("the document's table is what the schema says", async () => {
  const { path, before, after } = findPassage(/^<!-- settings -->\n[^]*?^<!-- end of settings -->$/);
  const document = `${before}<!-- settings -->\n${settingsTable()}<!-- end of settings -->${after}`;
  await expect(document).toMatchFileSnapshot(path);
});
