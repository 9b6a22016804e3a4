import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyAccount } from './empty-account.ts';
import type { BuiltFunction } from './built-functions.ts';

/** What became of an event. */
export interface Outcome {
  /** `response`, or `error` where the function failed. */
  readonly kind: string;
  /** The answer, or the error. */
  readonly body: unknown;
}

const PATIENCE_MS = 60_000;

/** Starts a function as Lambda would, hands it one event, and returns what it made of it. All of AWS is an empty account. */
export async function invokeOnce(built: BuiltFunction, event: unknown): Promise<Outcome> {
  const { api, outcome } = runtimeApi(event);
  const servers = await Promise.all([listen(api), listen(emptyAccount)]);
  const [runtime, aws] = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [command = '', ...args] = commandOf(built);
  const child = spawn(command, args, {
    env: {
      ...built.variables,
      AWS_LAMBDA_RUNTIME_API: runtime,
      AWS_LAMBDA_FUNCTION_NAME: built.name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_ENDPOINT_URL: `http://${aws}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  });
  try {
    return await Promise.race([outcome, failureOf(child)]);
  } finally {
    child.kill('SIGKILL');
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** The function's program, in an emulator where this machine has other processors. */
function commandOf({ architecture, bootstrap }: BuiltFunction): string[] {
  const machine = architecture === 'arm64' ? 'aarch64' : 'x86_64';
  const isNative = process.arch === (architecture === 'arm64' ? 'arm64' : 'x64');
  return isNative ? [bootstrap] : [`qemu-${machine}-static`, '-L', `/usr/${machine}-linux-gnu`, bootstrap];
}

/** Lambda's side of the Runtime API, for one event. */
function runtimeApi(event: unknown): { api: RequestListener; outcome: Promise<Outcome> } {
  let settle: (outcome: Outcome) => void;
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  let handedOut = false;
  const api: RequestListener = (request, response) => {
    if (request.method === 'GET') {
      // Nobody answers a function that has no more to do.
      if (handedOut) return;
      handedOut = true;
      response.setHeader('lambda-runtime-aws-request-id', '8476a536-e9f4-11e8-9739-2dfe598c3fcd');
      response.setHeader('lambda-runtime-deadline-ms', Date.now() + PATIENCE_MS);
      response.setHeader('lambda-runtime-invoked-function-arn', 'arn:aws:lambda:us-east-1:000000000000:function:built');
      response.end(JSON.stringify(event));
      return;
    }
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      response.writeHead(202).end();
      settle({ kind: request.url?.split('/').at(-1) ?? '', body: JSON.parse(body) });
    });
  };
  return { api, outcome };
}

/** Fails, with all that the process has printed, when it cannot be started, ends, or takes too long. */
async function failureOf(child: ChildProcess): Promise<never> {
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      printed += String(chunk);
    });
  const why = await Promise.race([
    new Promise<string>((resolve) =>
      child.once('error', ({ message }) => {
        resolve(`cannot be started: ${message}`);
      }),
    ),
    new Promise<string>((resolve) =>
      child.once('close', (code, signal) => {
        resolve(`ended with ${code ?? signal ?? 'nothing'}`);
      }),
    ),
    sleep(PATIENCE_MS, 'gave no answer in time', { ref: false }),
  ]);
  throw new Error(`The function ${why}. It printed:\n${printed}`);
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
