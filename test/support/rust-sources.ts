import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** A file of what is deployed, without its tests. */
export interface RustSource {
  /** Path from the project's root, with slashes. */
  readonly path: string;
  /** What it says, up to its test module. */
  readonly code: string;
}

/** The sources of every handler and library; what only tests need is not among them. */
export const rustSources: readonly RustSource[] = ['lambdas', 'crates'].flatMap(crates).flatMap((crate) =>
  readdirSync(resolve(crate, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.rs') && !/(^|[\\/])tests?\.rs$/.test(path))
    .map((path) => resolve(crate, 'src', path))
    .map((path) => ({
      path: relative(root, path).replaceAll(sep, '/'),
      code: readFileSync(path, 'utf8').split(/^#\[cfg\(test\)\]\nmod \w+ \{/m, 1)[0] ?? '',
    })),
);

/** The code of the only source whose path matches, whichever crate it is in. */
export function rustSource(path: RegExp): string {
  const found = rustSources.filter((source) => path.test(source.path));
  const [source] = found;
  if (!source || found.length !== 1) {
    const paths = found.map((other) => other.path).join(', ');
    throw new Error(`one source in lambdas/ and crates/ is to match ${path}, but these do: ${paths || 'none'}`);
  }
  return source.code;
}

/** The folders of the crates in a folder, if that is there. */
function crates(folder: string): string[] {
  const path = resolve(root, folder);
  const names = existsSync(path) ? readdirSync(path) : [];
  return names.map((name) => resolve(path, name)).filter((crate) => existsSync(resolve(crate, 'src')));
}
