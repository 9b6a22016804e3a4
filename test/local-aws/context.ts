import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { environments } from '../../lib/environments.ts';
import { stackName } from '../../lib/naming.ts';
import { LocalAwsError } from './processes.ts';

/** Root of the checkout. */
export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

/** Region that everything is deployed to locally. */
export const REGION = 'us-east-1';

/** The account MiniStack plays. */
export const ACCOUNT = '000000000000';

/** The environment that is deployed locally. */
export const ENVIRONMENT = 'dev';

/** Its stack. */
export const STACK = stackName(ENVIRONMENT);

/** The tag by which the deployed function finds its servers; the simulated ones carry it. */
export function appTag(): { key: string; value: string } {
  const settings = environments.find(({ name }) => name === ENVIRONMENT);
  if (!settings) throw new Error(`lib/environments.ts has no environment "${ENVIRONMENT}" to deploy locally.`);
  return { key: settings.tagAppKey ?? 'App', value: settings.tagAppValue };
}

/** An emptied directory for the logs and files of one command, under `.local-aws/`. One process has it at a time. */
export function freshStateDirectory(command: string): string {
  const directory = join(PROJECT_ROOT, '.local-aws', command);
  const owner = join(directory, 'pid');
  const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : undefined;
  if (pid !== undefined && isAlive(pid)) {
    throw new LocalAwsError(`Process ${pid} is at work in ${directory} already: wait for it, or end it.`);
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'tmp'), { recursive: true });
  writeFileSync(owner, String(process.pid));
  return directory;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is no such process.
  }
}

/**
 * The surrounding process environment without anything of AWS in it: no profile, endpoint, credential or certificate
 * of the user's can leak in, and nothing can reach a real account.
 */
export function isolatedEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_)/.test(name));
  const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy, '127.0.0.1', 'localhost'].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    // The project's own cargo-lambda and tools come first.
    PATH: [join(PROJECT_ROOT, '.venv/bin'), dirname(process.execPath), process.env.PATH].join(':'),
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
