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

test('CI runs all that `npm test` runs', () => {
  const parts = (script: string): string[] =>
    [...(scripts[script] ?? '').matchAll(/npm run ([\w:]+)/g)].flatMap(([, name]) => {
      const inner = parts(name ?? '');
      return inner.length > 0 ? inner : (name ?? '');
    });
  const ci = read('ci.yml');
  expect(parts('test')).toContain('test:rust');
  expect(parts('test').filter((name) => !ci.includes(`npm run ${name}\n`))).toEqual([]);
});
