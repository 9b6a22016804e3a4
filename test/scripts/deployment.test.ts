import { describe, expect, test } from 'vitest';
import { deploy, DeploymentError, findEnvironment, type World } from '../../scripts/deployment.ts';
import type { Environment } from '../../lib/settings.ts';
import { synthesize, testEnvironment } from '../support/synth.ts';

const destination = { account: '123456789012', region: 'eu-central-1' };

/** A world that does nothing but write down what it is asked for; `changes` replace some of it. */
function recorder(changes: Partial<World> = {}): { world: World; steps: string[]; said: string[] } {
  const steps: string[] = [];
  const said: string[] = [];
  const world: World = {
    destinationOf: () => {
      steps.push('destination');
      return Promise.resolve(destination);
    },
    isBootstrapped: () => {
      steps.push('bootstrapped?');
      return Promise.resolve(true);
    },
    run: (command, args, at) => {
      steps.push([command, ...args, ...(at ? [`@${at.region}`] : [])].join(' '));
    },
    say: (text) => {
      said.push(text);
    },
    ...changes,
  };
  return { world, steps, said };
}

async function told(environment: Environment): Promise<string> {
  const { world, said } = recorder();
  await deploy(environment, [], world);
  return said.at(-1) ?? '';
}

describe('the steps', () => {
  test('checks come first, then the tools, then the stack', async () => {
    const { world, steps } = recorder();
    await deploy(testEnvironment(), [], world);
    expect(steps).toEqual([
      'destination',
      'node test/local-aws/setup.mjs --aws',
      'bootstrapped?',
      'cdk deploy runtime-cache-test @eu-central-1',
    ]);
  });

  test('an account and region new to the CDK is bootstrapped before', async () => {
    const { world, steps } = recorder({ isBootstrapped: () => Promise.resolve(false) });
    await deploy(testEnvironment(), [], world);
    expect(steps.slice(-2)).toEqual([
      'cdk bootstrap aws://123456789012/eu-central-1 @eu-central-1',
      'cdk deploy runtime-cache-test @eu-central-1',
    ]);
  });

  test('options go to `cdk deploy`', async () => {
    const { world, steps } = recorder();
    await deploy(testEnvironment(), ['--require-approval', 'never'], world);
    expect(steps.at(-1)).toBe('cdk deploy runtime-cache-test --require-approval never @eu-central-1');
  });

  test('without credentials nothing is installed or changed', async () => {
    const { world, steps } = recorder({ destinationOf: () => Promise.reject(new DeploymentError('none')) });
    await expect(deploy(testEnvironment(), [], world)).rejects.toThrow('none');
    expect(steps).toEqual([]);
  });

  test('where a step fails, the later ones do not happen, and nothing says that it is deployed', async () => {
    const { world, steps, said } = recorder({
      run: () => {
        throw new DeploymentError('`node` failed');
      },
    });
    await expect(deploy(testEnvironment(), [], world)).rejects.toThrow('`node` failed');
    expect(steps).toEqual(['destination']);
    expect(said).toEqual(['runtime-cache-test goes to account 123456789012, region eu-central-1.']);
  });
});

describe('what to verify', () => {
  test('names what the stack has, and where', async () => {
    const environment = testEnvironment();
    const text = await told(environment);
    const named = text.match(/runtime-cache-test-[\w-]+|AlarmTopicArn/g) ?? [];
    const template = JSON.stringify(synthesize(environment).toJSON());
    expect(named).toHaveLength(4);
    expect(named.filter((name) => !template.includes(`"${name}"`))).toEqual([]);
    expect(text).toContain('AWS_REGION=eu-central-1');
    expect(text).toContain('--stack-name runtime-cache-test ');
  });

  test('names an existing table', async () => {
    const text = await told(testEnvironment({ serversTable: { existingName: 'TheirServers' } }));
    expect(text).toContain('--table-name TheirServers ');
  });
});

test('an unknown environment is refused, with those that there are', () => {
  const known = [testEnvironment({ name: 'dev' }), testEnvironment({ name: 'prod' })];
  expect(findEnvironment('prod', known)).toBe(known[1]);
  expect(() => findEnvironment('staging', known)).toThrow(
    'There is no environment "staging" in lib/environments.ts. It has: dev, prod.',
  );
});
