import { spawnSync } from 'node:child_process';
import { chromium, type Browser } from 'playwright-core';

/** The programs that may be Chromium, the likeliest first. `CHROMIUM` names another one. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Without these, Chromium asks its maker's servers at every start. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where this machine has Chromium; undefined where it has none. */
export function findChromium(): string | undefined {
  const candidates = process.env.CHROMIUM === undefined ? PROGRAMS : [process.env.CHROMIUM];
  return candidates
    .map((program) => spawnSync('sh', ['-c', `command -v "${program}"`], { encoding: 'utf8' }).stdout.trim())
    .find((path) => path !== '');
}

/** Whether what needs it is left out. In CI somebody relies on these tests: there a missing browser is a failure. */
export const hasNoBrowser = findChromium() === undefined && process.env.CI === undefined;

/** Starts it without a window. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(`None of ${PROGRAMS.join(', ')} is installed.`);
  return await chromium.launch({ executablePath, args: QUIET });
}
