import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where `npm run build:aws` puts what it has built. */
const ASSEMBLY = resolve(import.meta.dirname, '../../cdk.out/aws');

/** What is known when a stack is deployed: some account. */
const KNOWN: Readonly<Record<string, string>> = { 'AWS::AccountId': '000000000000' };

/** A function of an environment's stack, as it would be deployed. */
export interface BuiltFunction {
  /** The stack's name. */
  readonly stack: string;
  /** The function's bare name. */
  readonly name: string;
  /** The processors it is to run on, as Lambda names them. */
  readonly architecture: string;
  /** Its environment variables; for what is known only when it is deployed, the logical id. */
  readonly variables: Readonly<Record<string, string>>;
  /** Its program. */
  readonly bootstrap: string;
}

interface FunctionResource {
  readonly Type: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly Properties: {
    readonly Architectures: readonly [string];
    readonly Environment: { readonly Variables: Readonly<Record<string, string | { readonly Ref: string }>> };
  };
}

/** Every function of every environment. */
export function builtFunctions(): BuiltFunction[] {
  if (!existsSync(ASSEMBLY)) throw new Error('Nothing has been built for AWS yet: `npm run build:aws` does it.');
  return readdirSync(ASSEMBLY)
    .filter((file) => file.endsWith('.template.json'))
    .flatMap(functionsOf);
}

function functionsOf(template: string): BuiltFunction[] {
  const { Resources: resources } = JSON.parse(readFileSync(resolve(ASSEMBLY, template), 'utf8')) as {
    Resources: Record<string, FunctionResource>;
  };
  return Object.entries(resources)
    .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
    .map(([name, { Metadata, Properties }]) => ({
      stack: template.replace('.template.json', ''),
      name,
      architecture: Properties.Architectures[0],
      variables: Object.fromEntries(
        Object.entries(Properties.Environment.Variables).map(([variable, value]) => [
          variable,
          typeof value === 'string' ? value : (KNOWN[value.Ref] ?? value.Ref),
        ]),
      ),
      bootstrap: resolve(ASSEMBLY, Metadata?.['aws:asset:path'] ?? 'no asset', 'bootstrap'),
    }));
}

/** The processors that a program is compiled for, as Lambda names them. */
export function architectureOf(program: string): string {
  const header = Buffer.alloc(20);
  const file = openSync(program, 'r');
  readSync(file, header);
  closeSync(file);
  // ELF's `e_machine`.
  const machine = header.readUInt16LE(18);
  return { 62: 'x86_64', 183: 'arm64' }[machine] ?? `ELF machine ${machine}`;
}
