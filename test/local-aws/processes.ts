import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What to run, and where its output goes. */
export interface Command {
  /** What it is, for messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Everything it prints ends up here. */
  readonly logFile: string;
  /** Sees each line as it is printed. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** Something failed that the user can understand from the message alone. */
export class LocalAwsError extends Error {
  override readonly name = 'LocalAwsError';
}

/** Every process group that this process has started and that has not ended. */
const running = new Set<ChildProcess>();

/** Whether a signal has come: whatever fails from then on is of no interest. */
let ending = false;

const TERMINATION_GRACE_MS = 5_000;

/** The end of a log, for an error message. */
export function logTail(logFile: string, lines = 25): string {
  const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines);
  return `The end of ${logFile}:\n${tail.map((line) => `  | ${line}`).join('\n')}`;
}

/** Starts a command as the leader of its own process group, so that it can be ended with all its children. */
export function start({ command, args, env, cwd, logFile, onLine }: Command): ChildProcess {
  cleanUpOnExit();
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => {
    // Whatever it left behind in its group has lost its purpose too.
    signalGroup(child, 'SIGKILL');
    running.delete(child);
  });
  child.once('error', () => running.delete(child));
  const log = createWriteStream(logFile, { flags: 'a' });
  for (const name of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[name] }).on('line', (line) => {
      log.write(`${line}\n`);
      onLine?.(line, name);
    });
  }
  child.once('close', () => log.end());
  return child;
}

/** Runs a command to its end; fails, with the end of its log, unless it succeeds or `accept` takes its exit code. */
export async function run(options: Command, accept: readonly number[] = [0]): Promise<number> {
  const child = start(options);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      reject(new LocalAwsError(`${options.name} can't be run: ${error.message}`));
    });
    child.once('close', (exitCode, signal) => {
      if (!ending) resolve(exitCode ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
  if (accept.includes(code)) return code;
  // The log is written asynchronously; let its last lines arrive.
  await sleep(50);
  throw new LocalAwsError(`${options.name} failed with exit code ${code}. ${logTail(options.logFile)}`);
}

/** Ends a process and all its children: asks first, then insists. */
export async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child, 'SIGTERM');
  const patience = new AbortController();
  const timeout = sleep(TERMINATION_GRACE_MS, undefined, { signal: patience.signal }).then(
    () => {
      signalGroup(child, 'SIGKILL');
    },
    () => undefined, // It ended in time.
  );
  await ended;
  patience.abort();
  await timeout;
}

/** Ends everything that was started. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

let registered = false;

/** However this process ends, what it started ends with it. */
function cleanUpOnExit(): void {
  if (registered) return;
  registered = true;
  process.on('exit', () => {
    for (const child of running) signalGroup(child, 'SIGKILL');
  });
}

/**
 * Turns Ctrl-C, a termination and the loss of the parent (a shell or npm that was killed cannot pass signals on) into
 * an orderly end: `cleanUp` first, then exit.
 */
export function exitOnSignals(cleanUp: () => Promise<void>): void {
  const end = (signal: NodeJS.Signals): void => {
    if (ending) return;
    ending = true;
    console.error(`\nInterrupted (${signal}): cleaning up.`);
    void cleanUp().finally(() => process.exit(128 + constants.signals[signal]));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end('SIGHUP');
  }, 1_000).unref();
}
