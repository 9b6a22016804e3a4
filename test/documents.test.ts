import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Folders that hold what was installed or built. */
const NOT_OURS = new Set(['node_modules', 'target', 'cdk.out']);

const documents = markdownIn(root).map((path) => relative(root, path));

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || NOT_OURS.has(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function read(document: string): string {
  return readFileSync(resolve(root, document), 'utf8');
}

/** A document without its blocks of code and its comments, where nothing is a link or a heading. */
function prose(document: string): string {
  return read(document)
    .replace(/^(```+)[^]*?^\1\s*$/gm, '')
    .replace(/<!--[^]*?-->/g, '');
}

/** The targets of a document's links, other than those to the web. */
function links(document: string): string[] {
  const targets = [
    ...prose(document)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].flatMap(([, to]) => to ?? []);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(document: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...prose(document).matchAll(/^#{1,6} +(.+?)\s*$/gm)].flatMap(([, heading]) => heading ?? []);
  return new Set(
    headings.map((heading) => {
      const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = text.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

/** What is wrong with a link; nothing where it leads somewhere. */
function problem(document: string, target: string): string[] {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? resolve(root, document) : resolve(root, dirname(document), path);
  if (!existsSync(file)) return [`${target}: there is no such file`];
  if (anchor === undefined) return [];
  if (!statSync(file).isFile() || !file.endsWith('.md')) return [`${target}: only documents have headings`];
  return anchors(relative(root, file)).has(anchor) ? [] : [`${target}: there is no such heading`];
}

test('the documents are found', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/ARCHITECTURE.md', 'docs/RUNBOOK.md']));
});

describe('every link leads somewhere, in', () => {
  test.each(documents)('%s', (document) => {
    expect(links(document).flatMap((target) => problem(document, target))).toEqual([]);
  });
});

test('every document of docs/ can be found from the README', () => {
  const reached = new Set(['README.md']);
  for (const document of reached) {
    const linked = links(document).map((target) => join(dirname(document), target.split('#', 1)[0] ?? ''));
    for (const path of linked) if (path.endsWith('.md') && existsSync(resolve(root, path))) reached.add(path);
  }
  expect(documents.filter((document) => document.startsWith('docs/') && !reached.has(document))).toEqual([]);
});

describe('documents that are read as a whole stay short:', () => {
  test.each([
    ['README.md', 180],
    ['docs/ARCHITECTURE.md', 250],
  ])('%s has at most %i lines', (document, most) => {
    expect(read(document).trimEnd().split('\n').length).toBeLessThanOrEqual(most);
  });
});
