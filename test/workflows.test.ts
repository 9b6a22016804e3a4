import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const workflows = readdirSync(resolve(root, '.github/workflows'));
const scripts = (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;

function read(workflow: string): string {
  return readFileSync(resolve(root, '.github/workflows', workflow), 'utf8');
}

describe.each(workflows)('%s', (workflow) => {
  test('pins every action by commit, and says which version that is', () => {
    const uses = read(workflow).match(/uses: .*/g) ?? [];
    expect(uses).not.toEqual([]);
    expect(uses.filter((use) => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use))).toEqual([]);
  });

  test('may read the repository, and nothing more', () => {
    expect(read(workflow)).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(read(workflow)).not.toContain('write');
  });

  test('runs scripts that exist', () => {
    const named = [...read(workflow).matchAll(/npm run ([\w:]+)/g)].flatMap(([, name]) => name ?? []);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

/** The scripts that a script runs, down to those that run no other. */
function parts(script: string): string[] {
  return [...(scripts[script] ?? '').matchAll(/npm run ([\w:]+)/g)].flatMap(([, name = '']) => {
    const inner = parts(name);
    return inner.length > 0 ? inner : name;
  });
}

const ciRun = readFileSync(resolve(root, '.ci/run'), 'utf8');

test("the host's own run is `npm test`, then what deploying builds, and the test of that", () => {
  expect(ciRun.match(/^npm .*$/gm)).toEqual(['npm test', 'npm run build:aws', 'npm run test:aws']);
});

test("CI runs all that the host's own run does", () => {
  const ci = read('ci.yml');
  const named = [...ciRun.matchAll(/^npm run ([\w:]+)$/gm)].flatMap(([, name]) => name ?? []);
  const wanted = [...parts('test'), ...named];
  expect(wanted).toEqual(expect.arrayContaining(['test:rust', 'test:aws']));
  expect(wanted.filter((name) => !ci.includes(`npm run ${name}\n`))).toEqual([]);
});

test('dependencies are checked: what is known of them, their licences and duplicates', () => {
  const dependencies = read('dependencies.yml');
  expect(dependencies).toContain('npm audit\n');
  expect(dependencies).toContain('cargo deny --locked check\n');
});
