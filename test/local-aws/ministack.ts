import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isolatedEnvironment, PROJECT_ROOT } from './context.ts';
import { LocalAwsError, logTail, start, stop } from './processes.ts';

/** A running MiniStack. */
export interface Ministack {
  readonly endpoint: string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts MiniStack on the loopback interface. The functions it runs inherit its environment: that is how their EC2 and
 * CloudTrail calls, and those to STS, reach the simulator while everything else comes back to MiniStack.
 */
export async function startMinistack(stateDirectory: string, simulatorUrl: string): Promise<Ministack> {
  const port = String(await freePort(Number(process.env.GATEWAY_PORT ?? 0)));
  const endpoint = `http://127.0.0.1:${port}`;
  const logFile = join(stateDirectory, 'ministack.log');
  const child = start({
    name: 'MiniStack',
    command: join(PROJECT_ROOT, '.venv/bin/python'),
    args: [join(import.meta.dirname, 'launch_ministack.py')],
    cwd: stateDirectory,
    logFile,
    env: {
      ...isolatedEnvironment(),
      // Every request is checked by the policies of who sends it; functions send theirs with sessions of their roles.
      AUTH: 'true',
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: port,
      TMPDIR: join(stateDirectory, 'tmp'),
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_EC2: simulatorUrl,
      AWS_ENDPOINT_URL_CLOUDTRAIL: simulatorUrl,
      AWS_ENDPOINT_URL_CLOUDWATCH: simulatorUrl,
      // By its answer the functions are in another account to the simulator.
      AWS_ENDPOINT_URL_STS: simulatorUrl,
    },
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(endpoint))) {
    if (child.exitCode !== null) throw new LocalAwsError(`MiniStack ended while starting. ${logTail(logFile)}`);
    if (Date.now() > deadline) throw new LocalAwsError(`MiniStack did not start in time. ${logTail(logFile)}`);
    await sleep(100);
  }
  return { endpoint, stop: () => stop(child) };
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false; // Nothing listens yet.
  }
}

/** Makes sure that nobody listens on a port: somebody else's MiniStack would answer as ours. 0 picks one. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      reject(new LocalAwsError(`MiniStack can't listen on port ${wanted} (GATEWAY_PORT): ${error.message}`));
    });
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
