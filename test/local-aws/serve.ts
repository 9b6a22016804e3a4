// `npm run local`: keeps the local AWS of the demo up, for `cargo lambda watch`, `cargo lambda invoke` and curiosity.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { isolatedEnvironment, PROJECT_ROOT } from './context.ts';
import { startLocalAws, type LocalAws } from './local-aws.ts';
import { exitOnSignals, LocalAwsError, stopAll } from './processes.ts';
import { Progress } from './progress.ts';

const HANDLER = 'calculate-monthly-runtime';

/** What the deployed function's environment is, and what makes any AWS client talk to the local AWS. */
async function environmentOf({ clients, endpoint, simulatorUrl, stack }: LocalAws): Promise<Record<string, string>> {
  const { Environment } = await clients.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: stack.functionName }),
  );
  const aws = Object.entries(isolatedEnvironment()).filter(([name]) => name.startsWith('AWS_'));
  return {
    ...(Object.fromEntries(aws) as Record<string, string>),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_EC2: simulatorUrl,
    AWS_ENDPOINT_URL_CLOUDTRAIL: simulatorUrl,
    AWS_ENDPOINT_URL_CLOUDWATCH: simulatorUrl,
    AWS_ENDPOINT_URL_STS: simulatorUrl,
    ...Environment?.Variables,
  };
}

/** Writes the environment to a file for a shell to read. */
function writeEnvironment(stateDirectory: string, environment: Readonly<Record<string, string>>): string {
  const file = join(stateDirectory, 'env');
  const quote = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;
  writeFileSync(
    file,
    Object.entries(environment)
      .map(([name, value]) => `export ${name}=${quote(value)}\n`)
      .join(''),
  );
  return relative(PROJECT_ROOT, file);
}

function instructions(file: string, { endpoint, simulatorUrl, stack }: LocalAws): string {
  return `
The local AWS is up: MiniStack at ${endpoint}, EC2 and CloudTrail at ${simulatorUrl}.
In other terminals, in the project's directory:

  export PATH="$PWD/.venv/bin:$PATH"
  . ${file}

  # the handler, recompiled whenever it changes
  cargo lambda watch --release --invoke-address 127.0.0.1

  # an event to it
  cargo lambda invoke --invoke-address 127.0.0.1 ${HANDLER} --data-file lambdas/${HANDLER}/events/empty.json

  # the same event to the deployed function
  cargo lambda invoke --remote --endpoint-url ${endpoint} ${stack.functionName} --data-file lambdas/${HANDLER}/events/empty.json

  # the truth
  curl -s ${simulatorUrl}/truth

Ctrl-C stops it.`;
}

exitOnSignals(stopAll);
const progress = new Progress((line) => {
  console.log(line);
});
try {
  const local = await startLocalAws({ command: 'serve', simulatorArgs: ['--scenario', 'showcase'], progress });
  console.log(instructions(writeEnvironment(local.stateDirectory, await environmentOf(local)), local));
  // Until a signal ends it.
  setInterval(() => undefined, 60_000);
} catch (error) {
  await stopAll();
  if (!(error instanceof LocalAwsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
