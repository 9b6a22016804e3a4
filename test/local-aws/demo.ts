// `npm run demo`: deploys the dev stack to a local AWS, runs the hourly calculation, and shows each server's minutes.
import { statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { invoke, readAnswer, readCache } from './aws.ts';
import { startLocalAws, type LocalAws } from './local-aws.ts';
import { exitOnSignals, LocalAwsError, stopAll } from './processes.ts';
import { drawPicture } from './picture.ts';
import { Progress } from './progress.ts';
import { compareWithTruth, formatTable } from './report.ts';
import { showScopes } from './scopes-demo.ts';
import { simulatorArguments } from './several-scopes.ts';
import { stateChange } from './state-change.ts';

const USAGE = `Usage: npm run demo [-- [--records DIR] [--picture FILE] | --scopes]

Deploys the dev stack to a local AWS, invokes the hourly calculation over a simulated fleet, and prints each server's
running time this month beside the truth. At the end it writes the fleet's page and a server's beside its logs.

  --records DIR   serve the real CloudTrail records in DIR instead of the made-up fleet, shifted into this month
  --picture FILE  where to draw the result as an SVG; by default picture.svg beside the logs
  --scopes        instead, deploy an environment over two accounts by two regions, one of which cannot be read, and show
                  how each of them is after three hours
  --help          show this`;

interface Arguments {
  readonly simulatorArgs: string[];
  /** Where to draw the result; beside the logs where nothing was said. */
  readonly picture: string | undefined;
  /** Whether several scopes are shown instead. */
  readonly scopes: boolean;
}

/** What was asked for, or undefined where only help was. */
function readArguments(args: string[]): Arguments | undefined {
  const options = {
    records: { type: 'string' },
    picture: { type: 'string' },
    scopes: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args, options });
  if (values.help) return undefined;
  // npm runs scripts in the project's directory; a relative path means where the user is.
  const fromUser = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);
  const picture = values.picture === undefined ? undefined : fromUser(values.picture);
  if (picture !== undefined && !isDirectory(dirname(picture))) {
    throw new TypeError(`--picture needs a file in a directory, and there is none at ${dirname(picture)}`);
  }
  const scopes = values.scopes ?? false;
  if (scopes && (values.records !== undefined || picture !== undefined)) {
    throw new TypeError('--scopes goes with no other option');
  }
  const showcase = ['--scenario', 'showcase', ...(scopes ? simulatorArguments() : [])];
  if (values.records === undefined) return { simulatorArgs: showcase, picture, scopes };
  const directory = fromUser(values.records);
  if (!isDirectory(directory)) {
    throw new TypeError(`--records needs a directory, and there is none at ${directory}`);
  }
  return { simulatorArgs: ['--records', directory], picture, scopes };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Invokes the deployed function and returns what it answered, in a sentence. */
async function calculate({ clients, stack }: LocalAws): Promise<string> {
  const { payload, functionError } = await invoke(clients, stack.functionName, {});
  if (functionError) throw new LocalAwsError(`The invocation failed: ${JSON.stringify(payload)}`);
  const { message, total_servers: total, processed, errors } = readAnswer(payload);
  return `${message}: ${total} servers, ${processed} processed, ${errors} errors`;
}

/** Shows the table and the cost, and draws the picture; whether every value is right. */
async function show({ clients, simulator, stack, stateDirectory }: LocalAws, picture?: string): Promise<boolean> {
  const comparisons = await compareWithTruth(simulator, await readCache(clients, stack.tableName));
  const { calls, throttled } = await simulator.requests('LookupEvents');
  const wrong = comparisons.filter(({ problem }) => problem !== undefined);
  console.log(`\n${formatTable(comparisons)}\n`);
  console.log(`CloudTrail requests: ${calls}, ${throttled} of them throttled, for ${comparisons.length} servers.`);
  if (comparisons.length === 0) console.log('The fleet has no servers.');
  else if (wrong.length > 0) console.log(`${wrong.length} of ${comparisons.length} values are WRONG.`);
  else console.log('The truth is inside [running time, running time + uncertainty] for every server.');
  const file = picture ?? join(stateDirectory, 'picture.svg');
  writeFileSync(file, drawPicture(comparisons));
  console.log(`The same as a picture: ${file}`);
  return wrong.length === 0 && comparisons.length > 0;
}

/** Writes the fleet's page and that of the server with the most open, as the deployed function draws them. */
async function writePages({ clients, stack, stateDirectory }: LocalAws): Promise<void> {
  const page = async (name: string, request: object): Promise<void> => {
    const { payload, functionError } = await invoke(clients, stack.fleetReportName, { ...request, format: 'html' });
    if (functionError) throw new LocalAwsError(`The invocation failed: ${JSON.stringify(payload)}`);
    writeFileSync(join(stateDirectory, name), String(payload));
    console.log(`  ${join(stateDirectory, name)}`);
  };
  const cached = [...(await readCache(clients, stack.tableName)).values()];
  const [leastCertain] = cached.toSorted((one, other) => other.uncertainty - one.uncertainty);
  console.log('\nTo look at in a browser:');
  await page('fleet.html', { report: 'fleet' });
  if (leastCertain) await page('server.html', { report: 'server', id: leastCertain.id });
}

/** Stops one server and starts another, and shows the answers: at once from what is kept, and calculated anew. */
async function showStateChanges({ clients, simulator, stack }: LocalAws): Promise<void> {
  const { servers } = await simulator.truth();
  const timed = async (functionName: string, event: unknown): Promise<{ answer: unknown; took: string }> => {
    const begin = performance.now();
    const { payload, functionError } = await invoke(clients, functionName, event);
    if (functionError) throw new LocalAwsError(`The invocation failed: ${JSON.stringify(payload)}`);
    return { answer: payload, took: `${((performance.now() - begin) / 1000).toFixed(2)} s` };
  };
  const changes = [
    { from: 'running', call: 'stop', states: ['stopping', 'stopped'] },
    { from: 'stopped', call: 'start', states: ['pending', 'running'] },
  ] as const;
  for (const { from, call, states } of changes) {
    const server = servers.find(({ state, visible }) => visible && state === from);
    if (!server) continue;
    const { id } = server;
    await simulator.change(id, call);
    console.log(`\n${server.name ?? id}: ${call}`);
    for (const state of states) {
      const { answer, took } = await timed(stack.eventResponseName, stateChange(id, state));
      console.log(`  ${state.padEnd(10)} answered in ${took}: ${JSON.stringify(answer)}`);
    }
    const { took } = await timed(stack.functionName, { servers: [id] });
    console.log(`  the same server calculated anew, from EC2 and CloudTrail: ${took}`);
  }
}

async function main(): Promise<number> {
  let asked;
  try {
    asked = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (!asked) {
    console.log(USAGE);
    return 0;
  }
  exitOnSignals(stopAll);
  const progress = new Progress((line) => {
    console.log(line);
  });
  try {
    const local = await startLocalAws({ command: 'demo', simulatorArgs: asked.simulatorArgs, progress });
    if (asked.scopes) return (await showScopes(local, progress)) ? 0 : 1;
    const answer = await progress.step(`Invoking ${local.stack.functionName}`, () => calculate(local));
    progress.say(`It answered: ${answer}`);
    const right = await show(local, asked.picture);
    await showStateChanges(local);
    await writePages(local);
    return right ? 0 : 1;
  } catch (error) {
    if (!(error instanceof LocalAwsError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    progress.say('Stopping MiniStack and the simulator');
    await stopAll();
  }
}

process.exit(await main());
