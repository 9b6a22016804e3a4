import { join } from 'node:path';
import { ACCOUNT, isolatedEnvironment, PROJECT_ROOT, REGION, STACK } from './context.ts';
import { LocalAwsError, run } from './processes.ts';

/** A stack, and where it is deployed. */
export interface CdkTarget {
  readonly stack: string;
  /** The command that synthesises it; by default that of `cdk.json`. */
  readonly app?: string;
  /** Where what was synthesised is kept, beside the logs. */
  readonly assembly: string;
  readonly account: string;
  readonly region: string;
}

const DEV: CdkTarget = { stack: STACK, assembly: 'cdk.out', account: ACCOUNT, region: REGION };

/** The CDK CLI, pointed at a local AWS. */
export class CdkCli {
  readonly #endpoint: string;
  readonly #stateDirectory: string;
  readonly #target: CdkTarget;

  constructor(endpoint: string, stateDirectory: string, target = DEV) {
    this.#endpoint = endpoint;
    this.#stateDirectory = stateDirectory;
    this.#target = target;
  }

  /** Prepares the account for deployments. */
  async bootstrap(): Promise<void> {
    // Not in the project's directory: nothing is synthesised for it.
    const { account, region } = this.#target;
    await this.#run('bootstrap', [`aws://${account}/${region}`], { cwd: this.#stateDirectory });
  }

  /** Compiles the functions and synthesises the stack, once for the commands that follow. */
  async synth(onLine: (line: string) => void): Promise<void> {
    const { stack } = this.#target;
    const args = [stack, '--exclusively', '--quiet', '-c', 'local=true', '--output', this.#assembly];
    await this.#run('synth', [...args, ...this.#app], { onLine });
  }

  /** Deploys what was synthesised. */
  async deploy(): Promise<void> {
    const { stack } = this.#target;
    await this.#run('deploy', [
      stack,
      '--exclusively',
      '--app',
      this.#assembly,
      '--require-approval',
      'never',
      '--progress',
      'events',
    ]);
  }

  /** How the app, synthesised anew, differs from what is deployed: the report, or undefined where it doesn't. */
  async diff(): Promise<string | undefined> {
    const output = join(this.#stateDirectory, 'cdk.diff.out');
    const report: string[] = [];
    const args = [this.#target.stack, '--exclusively', '-c', 'local=true', '--output', output, '--fail', ...this.#app];
    const code = await this.#run('diff', args, { accept: [0, 1], onLine: (line) => report.push(line) });
    if (code === 0) return undefined;
    const text = report.join('\n');
    // A difference and an error share an exit code.
    if (!text.includes('Number of stacks with differences: 1')) throw new LocalAwsError(`cdk diff failed:\n${text}`);
    return text;
  }

  /** Deletes the stack. */
  async destroy(): Promise<void> {
    await this.#run('destroy', [this.#target.stack, '--exclusively', '--app', this.#assembly, '--force']);
  }

  get #assembly(): string {
    return join(this.#stateDirectory, this.#target.assembly);
  }

  get #logPrefix(): string {
    return this.#target === DEV ? '' : `${this.#target.stack}-`;
  }

  get #app(): string[] {
    return this.#target.app === undefined ? [] : ['--app', this.#target.app];
  }

  async #run(
    command: string,
    args: readonly string[],
    options: { cwd?: string; onLine?: (line: string) => void; accept?: readonly number[] } = {},
  ): Promise<number> {
    return await run(
      {
        name: `cdk ${command}`,
        command: join(PROJECT_ROOT, 'node_modules/.bin/cdk'),
        args: [command, ...args, '--no-notices', '--no-color'],
        cwd: options.cwd ?? PROJECT_ROOT,
        env: {
          ...isolatedEnvironment(),
          ...credentialsOf(this.#target),
          AWS_ENDPOINT_URL: this.#endpoint,
          CDK_DISABLE_CLI_TELEMETRY: 'true',
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
        logFile: join(this.#stateDirectory, `${this.#logPrefix}cdk-${command}.log`),
        ...(options.onLine ? { onLine: options.onLine } : {}),
      },
      options.accept,
    );
  }
}

/** MiniStack takes an access key of 12 digits for the root of that account. */
function credentialsOf({ account, region }: CdkTarget): NodeJS.ProcessEnv {
  const own = account === ACCOUNT ? {} : { AWS_ACCESS_KEY_ID: account };
  return { ...own, AWS_REGION: region, AWS_DEFAULT_REGION: region };
}
