import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The README and the documents that are about one topic each, by path. */
const documents: readonly { path: string; text: string }[] = [
  resolve(root, 'README.md'),
  ...readdirSync(resolve(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => resolve(root, 'docs', name)),
].map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** A part of the only document that has it. */
export interface Passage {
  /** Absolute path of the document. */
  readonly path: string;
  /** The document's text before the passage. */
  readonly before: string;
  /** The passage. */
  readonly text: string;
  /** The document's text after the passage. */
  readonly after: string;
}

/** The passage that a pattern matches, in whichever document it stands. Each fact has one place: it must be the only one. */
export function findPassage(pattern: RegExp): Passage {
  const found = documents.flatMap(({ path, text }) =>
    [...text.matchAll(new RegExp(pattern, 'gm'))].map((match) => ({
      path,
      before: text.slice(0, match.index),
      text: match[0],
      after: text.slice(match.index + match[0].length),
    })),
  );
  const [passage] = found;
  if (!passage || found.length !== 1) {
    throw new Error(`${pattern} is to match once in README.md and docs/*.md, but does ${found.length} times`);
  }
  return passage;
}
