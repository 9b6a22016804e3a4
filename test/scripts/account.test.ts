import { beforeEach, expect, test, vi } from 'vitest';
import { destinationOf } from '../../scripts/account.ts';
import { testEnvironment } from '../support/synth.ts';

// Neither this machine's credentials nor its region; what AWS says is looked at on the local AWS, in test/e2e.
beforeEach(() => {
  for (const name of [
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'AWS_PROFILE',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

test('without a region it says where one can be set', async () => {
  await expect(destinationOf(testEnvironment())).rejects.toThrow(
    'There is no AWS region: set AWS_REGION, or a region in the profile, or the environment\'s "region".',
  );
});

test.each(['AWS_REGION', 'AWS_DEFAULT_REGION'])('with %s but without credentials it says so', async (variable) => {
  vi.stubEnv(variable, 'eu-west-1');
  await expect(destinationOf(testEnvironment())).rejects.toThrow('There are no AWS credentials: set AWS_PROFILE');
});

test("the environment's own region needs no other", async () => {
  const environment = testEnvironment({ region: 'eu-west-1' });
  await expect(destinationOf(environment)).rejects.toThrow('There are no AWS credentials: set AWS_PROFILE');
});
