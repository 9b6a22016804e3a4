// `npm run deploy -- ENVIRONMENT`: deploys an environment, and first whatever is missing for that.
import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';
import { environments } from '../lib/environments.ts';
import { resolveEnvironments, SettingsError } from '../lib/settings.ts';
import { destinationOf, isBootstrapped } from './account.ts';
import { deploy, DeploymentError, findEnvironment, type Destination } from './deployment.ts';

const USAGE = `Usage: npm run deploy -- ENVIRONMENT [OPTIONS OF cdk deploy]

Deploys an environment of lib/environments.ts to the account of your AWS credentials: installs what building for AWS needs,
bootstraps the account and region for the CDK if they are not, builds and deploys the stack, and prints what to verify.`;

const ROOT = resolve(import.meta.dirname, '..');

function run(command: string, args: readonly string[], destination?: Destination): void {
  const env = {
    ...process.env,
    PATH: [resolve(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    // The CDK has rules of its own for what the region is; here it has been decided.
    ...(destination ? { AWS_REGION: destination.region, AWS_DEFAULT_REGION: destination.region } : {}),
  };
  const { error, status, signal } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit' });
  const line = [command, ...args].join(' ');
  if (error) throw new DeploymentError(`\`${line}\` cannot be run: ${error.message}`);
  if (status !== 0) throw new DeploymentError(`\`${line}\` failed (${status ?? signal}).`);
}

async function main([name, ...cdkOptions]: readonly string[]): Promise<number> {
  if (name === undefined || name.startsWith('-')) {
    console.error(USAGE);
    return name === '--help' ? 0 : 2;
  }
  try {
    const environment = findEnvironment(name, resolveEnvironments(environments));
    await deploy(environment, cdkOptions, {
      destinationOf,
      isBootstrapped,
      run,
      say: (text) => {
        console.log(text);
      },
    });
    return 0;
  } catch (error) {
    if (!(error instanceof DeploymentError || error instanceof SettingsError)) throw error;
    console.error(`deploy: ${error.message}`);
    return 1;
  }
}

// The project runs on the oldest Node.js that AWS Lambda's CDK supports; there is nothing to be warned of here.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
process.exitCode = await main(process.argv.slice(2));
