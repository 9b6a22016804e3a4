// `npm run bench:scopes`: the hour of an environment with 200 scopes, through the state machine on a local AWS.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scope } from '../../lib/scopes.ts';
import { PROJECT_ROOT } from './context.ts';
import { startLocalAws, type LocalAws } from './local-aws.ts';
import { exitOnSignals, LocalAwsError, stopAll } from './processes.ts';
import { Progress } from './progress.ts';
import { further, hubOf, manyScopes, simulatorArguments } from './several-scopes.ts';
import { runStateMachine, type MapRun } from './state-machine.ts';

/** Accounts by five regions; the home account has its home region among them. */
const ACCOUNTS = 40;
const SERVERS_EACH = 50;
/** CloudTrail, as AWS runs it: two requests a second, half a second each. */
const LIKE_CLOUDTRAIL = ['--lookup-rate', '2', '--lookup-latency-ms', '500'];

/** An environment, and its scopes further than home. */
interface Fleet {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** What one hour took. */
interface Hour {
  readonly name: string;
  readonly run: MapRun;
  readonly sick: ReadonlySet<string>;
}

const place = ({ account, region }: Scope): string => `${account}/${region}`;

/** Runs the hours: from nothing, an hour in which nothing new is found, and two with scopes that are sick. */
async function hours(local: LocalAws, { name: environment, scopes }: Fleet, progress: Progress): Promise<Hour[]> {
  const hour = async (name: string, sick: readonly Scope[] = []): Promise<Hour> => {
    const run = await progress.step(`Running the state machine: ${name}`, () => runStateMachine(local, environment));
    return { name, run, sick: new Set(sick.map(place)) };
  };
  const done = [await hour('the first hour'), await hour('a steady hour')];
  const [unreachable, throttled] = [scopes[scopes.length >> 2], scopes[scopes.length >> 1]];
  if (!unreachable || !throttled) throw new LocalAwsError('There are too few scopes to make one sick.');
  await local.simulator.inScope(unreachable).addFault({ kind: 'unreachable' });
  done.push(await hour('one scope unreachable', [unreachable]));
  await local.simulator.inScope(throttled).addFault({ kind: 'throttle', action: 'LookupEvents' });
  done.push(await hour('one more throttled all the time', [unreachable, throttled]));
  return done;
}

/** The value of which a share of all are no greater. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function secondsOf({ run, sick }: Hour, isSick: boolean): number[] {
  return run.children.filter(({ scope }) => sick.has(place(scope)) === isSick).map(({ seconds }) => seconds);
}

/** A table in Markdown, its columns but for the first aligned to the right. */
function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(line).join('');
}

function row(hour: Hour): string[] {
  const others = secondsOf(hour, false);
  const text = (seconds: number): string => (Number.isFinite(seconds) ? seconds.toFixed(1) : '');
  return [
    hour.name,
    ...[hour.run.seconds, quantile(others, 0.5), quantile(others, 0.99)].map(text),
    secondsOf(hour, true).map(text).join(', '),
  ];
}

function document(scopes: number, done: readonly Hour[]): string {
  const [, steady] = done;
  const median = steady ? quantile(secondsOf(steady, false), 0.5) : Number.NaN;
  const rounds = Math.ceil(scopes / 20);
  const header = ['hour', 'whole run, s', 'a scope, median, s', 'p99, s', 'the sick ones, s'];
  return `# Benchmark of many scopes

Written by \`npm run bench:scopes\`: the hour of ${scopes} scopes of ${SERVERS_EACH} servers each, through the state machine on the
local AWS, 20 scopes at a time. CloudTrail is the fleet simulator, with 2 lookups a second for each scope and 0.5 s a call; all
functions, the tables and the simulator share this machine's processors. The times of sick scopes are not among the others.

${markdown(header, done.map(row))}
A scope that cannot be reached is given up after its connection's time-outs, one that is throttled at its own deadline; each holds
one of the 20 places meanwhile, and the others go on in the rest.

**On AWS, by arithmetic:** a quiet scope waits for its lookups, ${median.toFixed(1)} s here, with processors of its own there. ${scopes} scopes are
${rounds} rounds of 20: about ${(rounds * median).toFixed(0)} s of an hour. What a scope costs a month stands in [COST.md](COST.md#several-scopes).
`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      accounts: { type: 'string', default: String(ACCOUNTS) },
      output: { type: 'string', default: join(PROJECT_ROOT, 'docs/BENCHMARKS_SCOPES.md') },
    },
  });
  const settings = manyScopes(Number(values.accounts));
  const scopes = further(settings);
  exitOnSignals(stopAll);
  const progress = new Progress((line) => {
    console.log(line);
  });
  try {
    const simulatorArgs = [
      ...['--scenario', 'random', '--servers', String(SERVERS_EACH)],
      ...LIKE_CLOUDTRAIL,
      ...simulatorArguments(scopes, SERVERS_EACH),
    ];
    const local = await startLocalAws({ command: 'bench-scopes', simulatorArgs, progress });
    const hub = hubOf(local.endpoint, local.stateDirectory, ['--accounts', values.accounts]);
    await progress.compiling('Synthesising the hub', (onLine) => hub.synth(onLine));
    await progress.step('Deploying the hub', () => hub.deploy());
    const text = document(scopes.length + 1, await hours(local, { name: settings.name, scopes }, progress));
    console.log(text);
    writeFileSync(values.output, text);
    return 0;
  } catch (error) {
    if (!(error instanceof LocalAwsError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await stopAll();
  }
}

process.exit(await main());
