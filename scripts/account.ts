import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Environment } from '../lib/settings.ts';
import { DeploymentError, type Destination } from './deployment.ts';

/** The stack with which `cdk bootstrap` prepares an account and region. */
const BOOTSTRAP_STACK = 'CDKToolkit';

/** Where an environment is to be: by its settings, else by the credentials and the region that the AWS CLI would use. */
export async function destinationOf({ name, ...settings }: Environment): Promise<Destination> {
  const region = settings.region ?? (await regionAtHand());
  const account = await accountAtHand(region);
  if (settings.account !== undefined && settings.account !== account) {
    throw new DeploymentError(
      `Environment "${name}" belongs to account ${settings.account}, but the AWS credentials are of ${account}.`,
    );
  }
  return { account, region };
}

/** Whether `cdk bootstrap` has been there. */
export async function isBootstrapped({ region }: Destination): Promise<boolean> {
  try {
    await new CloudFormationClient({ region }).send(new DescribeStacksCommand({ StackName: BOOTSTRAP_STACK }));
    return true;
  } catch (error) {
    // CloudFormation's way to say that there is no such stack.
    if (error instanceof Error && error.name === 'ValidationError') return false;
    throw new DeploymentError(`Cannot look for the stack ${BOOTSTRAP_STACK} in ${region}: ${reason(error)}`);
  }
}

async function regionAtHand(): Promise<string> {
  // The SDK does not read the second one, the AWS CLI and the CDK do.
  const named = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (named) return named;
  try {
    return await new STSClient().config.region();
  } catch {
    throw new DeploymentError(
      'There is no AWS region: set AWS_REGION, or a region in the profile, or the environment\'s "region".',
    );
  }
}

async function accountAtHand(region: string): Promise<string> {
  try {
    const { Account: account } = await new STSClient({ region }).send(new GetCallerIdentityCommand());
    if (account) return account;
  } catch (error) {
    if (error instanceof Error && error.name === 'CredentialsProviderError') {
      throw new DeploymentError(`There are no AWS credentials: set AWS_PROFILE, or log in. (${error.message})`);
    }
    throw new DeploymentError(`AWS does not take the credentials: ${reason(error)}`);
  }
  throw new DeploymentError('AWS does not say whose the credentials are.');
}

function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
