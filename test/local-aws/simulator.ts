import { join } from 'node:path';
import type { Scope } from '../../lib/scopes.ts';
import { appTag, isolatedEnvironment, PROJECT_ROOT } from './context.ts';
import { LocalAwsError, logTail, run, start, stop } from './processes.ts';

/** One server of the simulated fleet, with what is true about it. */
export interface TrueServer {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly name: string | null;
  readonly state: string;
  /** Whether EC2 still shows it. */
  readonly visible: boolean;
  /** Its running minutes. Both are the same but where real records leave something open. */
  readonly truthAtLeastMinutes: number;
  readonly truthAtMostMinutes: number;
}

/** What the simulator knows. */
export interface Truth {
  readonly now: string;
  readonly month: string;
  readonly servers: readonly TrueServer[];
}

/** How often an action was called, and how often in vain. */
export interface Counts {
  readonly calls: number;
  readonly throttled: number;
  readonly faults: number;
  readonly rejected: number;
}

/** What the simulator serves and counts. */
export type Action = 'LookupEvents' | 'DescribeInstances' | 'DescribeSpotInstanceRequests';

/** An order to fail. */
export interface Fault {
  /** Which calls fail; without it, all. */
  readonly action?: Action;
  readonly kind:
    'throttle' | 'error500' | 'accessDenied' | 'regionDisabled' | 'unreachable' | 'timeout' | 'malformedRecord';
  /** How many calls fail; without it, all until the faults are cleared. */
  readonly count?: number;
}

/** A running fleet simulator, and its controls. */
export interface Simulator {
  readonly url: string;
  stop(): Promise<void>;
}

/** Compiles the simulator; returns the program. */
export async function buildSimulator(stateDirectory: string, onLine: (line: string) => void): Promise<string> {
  let executable: string | undefined;
  await run({
    name: 'Compiling the fleet simulator',
    command: 'cargo',
    // By --bin and not by --package: so cargo resolves features for the whole workspace, as cargo-lambda makes it do for
    // the function, and what both need is compiled once.
    args: ['build', '--release', '--locked', '--bin', 'fleet-simulator', '--message-format=json-render-diagnostics'],
    cwd: PROJECT_ROOT,
    env: isolatedEnvironment(),
    logFile: join(stateDirectory, 'simulator-build.log'),
    onLine: (line, stream) => {
      if (stream === 'stderr') onLine(line);
      else executable = (JSON.parse(line) as { executable?: string | null }).executable ?? executable;
    },
  });
  if (!executable) throw new LocalAwsError('Cargo has built the fleet simulator without saying where it is.');
  return executable;
}

/** Starts the simulator on a free port of the loopback interface. */
export async function startSimulator(
  executable: string,
  stateDirectory: string,
  args: readonly string[],
): Promise<Simulator> {
  const logFile = join(stateDirectory, 'simulator.log');
  const { key, value } = appTag();
  let announce: (url: string) => void;
  const announced = new Promise<string>((resolve) => {
    announce = resolve;
  });
  const child = start({
    name: 'The fleet simulator',
    command: executable,
    args: ['--port', '0', '--tag-key', key, '--tag-value', value, ...args],
    cwd: PROJECT_ROOT,
    env: isolatedEnvironment(),
    logFile,
    onLine: (line) => {
      const url = /^fleet-simulator listening on (http:\S+)/.exec(line)?.[1];
      if (url) announce(url);
    },
  });
  const url = await Promise.race([
    announced,
    new Promise<undefined>((resolve) => {
      child.once('close', () => {
        resolve(undefined);
      });
    }),
  ]);
  if (!url) throw new LocalAwsError(`The fleet simulator ended while starting. ${logTail(logFile)}`);
  return { url, stop: () => stop(child) };
}

/** Drives the simulator from a test or the demo. */
export class SimulatorClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The controls of a further scope. */
  inScope({ account, region }: Scope): SimulatorClient {
    return new SimulatorClient(`${this.#url}/scopes/${account}/${region}`);
  }

  /** Makes the reader role of an account be there, or not. */
  async setRole(account: string, isThere: boolean): Promise<void> {
    await this.#call(isThere ? 'PUT' : 'DELETE', `/roles/${account}`);
  }

  /** The fleet, and how long each server had truly run in the month up to an instant. */
  async truth(at?: string): Promise<Truth> {
    return (await this.#call('GET', at === undefined ? '/truth' : `/truth?at=${encodeURIComponent(at)}`)) as Truth;
  }

  /** How often an action was called since the last reset. */
  async requests(action: Action): Promise<Counts> {
    const { actions } = (await this.#call('GET', '/requests')) as { actions: Partial<Record<string, Counts>> };
    return actions[action] ?? { calls: 0, throttled: 0, faults: 0, rejected: 0 };
  }

  /** Starts counting anew. */
  async resetRequests(): Promise<void> {
    await this.#call('POST', '/requests/reset');
  }

  /** Makes calls fail from now on. */
  async addFault(fault: Fault): Promise<void> {
    await this.#call('POST', '/faults', fault);
  }

  /** Changes a server's state now, as a call to EC2 does, or a shutdown from inside. */
  async change(id: string, change: 'start' | 'stop' | 'terminate' | 'reboot' | 'guest-shutdown'): Promise<void> {
    await this.#call('POST', `/servers/${id}/${change}`);
  }

  /** Everything works again. */
  async clearFaults(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new LocalAwsError(`The fleet simulator answered ${response.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
