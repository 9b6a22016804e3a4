import { join } from 'node:path';
import { ACCOUNT, isolatedEnvironment, PROJECT_ROOT, REGION, STACK } from './context.ts';
import { LocalAwsError, run } from './processes.ts';

/** The CDK CLI, pointed at a local AWS. */
export class CdkCli {
  readonly #endpoint: string;
  readonly #stateDirectory: string;

  constructor(endpoint: string, stateDirectory: string) {
    this.#endpoint = endpoint;
    this.#stateDirectory = stateDirectory;
  }

  /** Prepares the account for deployments. */
  async bootstrap(): Promise<void> {
    // Not in the project's directory: nothing is synthesised for it.
    await this.#run('bootstrap', [`aws://${ACCOUNT}/${REGION}`], { cwd: this.#stateDirectory });
  }

  /** Compiles the functions and synthesises the stack, once for the commands that follow. */
  async synth(onLine: (line: string) => void): Promise<void> {
    await this.#run('synth', [STACK, '--exclusively', '--quiet', '-c', 'local=true', '--output', this.#assembly], {
      onLine,
    });
  }

  /** Deploys what was synthesised. */
  async deploy(): Promise<void> {
    await this.#run('deploy', [STACK, '--app', this.#assembly, '--require-approval', 'never', '--progress', 'events']);
  }

  /** How the app, synthesised anew, differs from what is deployed: the report, or undefined where it doesn't. */
  async diff(): Promise<string | undefined> {
    const output = join(this.#stateDirectory, 'cdk.diff.out');
    const report: string[] = [];
    const args = [STACK, '--exclusively', '-c', 'local=true', '--output', output, '--fail'];
    const code = await this.#run('diff', args, { accept: [0, 1], onLine: (line) => report.push(line) });
    if (code === 0) return undefined;
    const text = report.join('\n');
    // A difference and an error share an exit code.
    if (!text.includes('Number of stacks with differences: 1')) throw new LocalAwsError(`cdk diff failed:\n${text}`);
    return text;
  }

  /** Deletes the stack. */
  async destroy(): Promise<void> {
    await this.#run('destroy', [STACK, '--app', this.#assembly, '--force']);
  }

  get #assembly(): string {
    return join(this.#stateDirectory, 'cdk.out');
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
          AWS_ENDPOINT_URL: this.#endpoint,
          CDK_DISABLE_CLI_TELEMETRY: 'true',
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
        logFile: join(this.#stateDirectory, `cdk-${command}.log`),
        ...(options.onLine ? { onLine: options.onLine } : {}),
      },
      options.accept,
    );
  }
}
