import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { destinationOf, isBootstrapped } from '../../scripts/account.ts';
import { testEnvironment } from '../support/synth.ts';
import { isolatedEnvironment, ACCOUNT, REGION } from '../local-aws/context.ts';

/** What `npm run deploy` asks AWS before it changes anything. */
export function account(): void {
  describe('where a deployment would go', () => {
    beforeEach(() => {
      for (const [name, value] of Object.entries(isolatedEnvironment())) {
        if (name.startsWith('AWS_')) vi.stubEnv(name, value);
      }
      vi.stubEnv('AWS_ENDPOINT_URL', inject('localAws').endpoint);
    });

    afterEach(() => {
      vi.unstubAllEnvs();
    });

    test('is the account of the credentials, and the region at hand', async () => {
      expect(await destinationOf(testEnvironment())).toEqual({ account: ACCOUNT, region: REGION });
    });

    test('an environment of another account is refused', async () => {
      await expect(destinationOf(testEnvironment({ account: '123456789012' }))).rejects.toThrow(
        `Environment "test" belongs to account 123456789012, but the AWS credentials are of ${ACCOUNT}.`,
      );
    });

    test('credentials that AWS does not know are refused', async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE');
      await expect(destinationOf(testEnvironment())).rejects.toThrow('AWS does not take the credentials: ');
    });

    test('is bootstrapped where the stack of `cdk bootstrap` is, and nowhere else', async () => {
      expect(await isBootstrapped({ account: ACCOUNT, region: REGION })).toBe(true);
      expect(await isBootstrapped({ account: ACCOUNT, region: 'eu-central-1' })).toBe(false);
    });
  });
}
