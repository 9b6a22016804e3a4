import axe from 'axe-core';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import pixelmatch from 'pixelmatch';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasNoBrowser, launchChromium } from './browser.ts';
import { knownPages, type KnownPage } from './known-pages.ts';

/** The part of a picture's points that may differ: other machines have other fonts. */
const TOLERANCE = 0.06;
/** `UPDATE_PICTURES=1 npm run test:browser` draws what is expected anew. */
const update = process.env.UPDATE_PICTURES !== undefined;

if (hasNoBrowser)
  console.warn('SKIPPED: there is no Chromium here to draw the pages with (Debian: apt-get install chromium).');

/** Evaluated in the page: how far it can be scrolled to the side, and what reaches out of it, but for what scrolls on its own. */
const OVERFLOW = `({
  scrolls: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  outside: [...document.querySelectorAll('main *')]
    .filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 80)),
})`;

let browser: Browser;

beforeAll(async () => {
  if (!hasNoBrowser) browser = await launchChromium();
});

afterAll(async () => {
  if (!hasNoBrowser) await browser.close();
});

/** Shows a page, and does something with it. */
async function shown<T>(
  { html }: KnownPage,
  { width, dark = false }: { width: number; dark?: boolean },
  look: (page: Page, requests: readonly string[]) => Promise<T>,
): Promise<T> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  try {
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.setContent(html);
    return await look(page, requests);
  } finally {
    await context.close();
  }
}

describe.skipIf(hasNoBrowser).each(knownPages)('the page "$name"', (known) => {
  const sizes = known.name === 'widget' ? [known.width] : [known.width, 1920, 420];

  test('runs no script and loads nothing', async () => {
    await shown(known, known, async (page, requests) => {
      expect(await page.locator('script, iframe, img, link, object').count()).toBe(0);
      expect(requests).toEqual([]);
    });
  });

  test.each(sizes.flatMap((width) => [false, true].map((dark) => ({ width, dark }))))(
    'overflows nowhere and can be read by everybody at $width px, dark: $dark',
    async (size) => {
      await shown(known, size, async (page) => {
        // A widget is as wide as its dashboard lets it be.
        if (known.isAlone) expect(await page.evaluate(OVERFLOW)).toEqual({ scrolls: 0, outside: [] });
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(
          async () => await (globalThis as unknown as { axe: typeof axe }).axe.run(),
        );
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      });
    },
  );

  test('looks as expected', async () => {
    const file = new URL(`expected/${known.name}.png`, import.meta.url);
    const picture = await shown(known, known, async (page) => await page.screenshot());
    if (update || !existsSync(file)) {
      expect(update, `${file.pathname} is missing: UPDATE_PICTURES=1 draws it`).toBe(true);
      writeFileSync(file, picture);
      return;
    }
    const [drawn, expected] = [PNG.sync.read(picture), PNG.sync.read(readFileSync(file))];
    const { width, height } = expected;
    const different = pixelmatch(drawn.data, expected.data, undefined, width, height, { threshold: 0.2 });
    expect(different / (width * height)).toBeLessThan(TOLERANCE);
  });
});
