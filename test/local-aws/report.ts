import type { CachedServer } from './aws.ts';
import type { SimulatorClient, TrueServer } from './simulator.ts';

/** How far a value may be from the truth: CloudTrail tells starts and stops to the second, and a server has many. */
export const TOLERANCE_MINUTES = 0.5;

/** What the cache says of a server, beside the truth at the instant it was calculated for. */
export interface Comparison {
  readonly server: TrueServer;
  readonly cached: CachedServer | undefined;
  /** Why the cached value is wrong; undefined where it is right. */
  readonly problem: string | undefined;
}

/** Compares every server that EC2 shows with the truth, each as of the time its value was cached. */
export async function compareWithTruth(
  simulator: SimulatorClient,
  cache: ReadonlyMap<string, CachedServer>,
): Promise<Comparison[]> {
  const visible = (await simulator.truth()).servers.filter((server) => server.visible);
  const truthAt = new Map<string, readonly TrueServer[]>();
  const comparisons: Comparison[] = [];
  for (const server of visible) {
    const cached = cache.get(server.id);
    if (cached && !truthAt.has(cached.cachedAt)) {
      truthAt.set(cached.cachedAt, (await simulator.truth(cached.cachedAt)).servers);
    }
    const then = truthAt.get(cached?.cachedAt ?? '')?.find(({ id }) => id === server.id) ?? server;
    comparisons.push({ server: then, cached, problem: findProblem(then, cached) });
  }
  return comparisons;
}

/** Why a cached value contradicts the truth, if it does. */
export function findProblem(server: TrueServer, cached: CachedServer | undefined): string | undefined {
  if (!cached) return 'not cached';
  const { minutes, uncertainty } = cached;
  if (!(minutes >= 0 && uncertainty >= 0)) return `no running time: ${minutes} + ${uncertainty} min`;
  // Where the truth is not known exactly, all that it may be has to be inside.
  if (minutes > server.truthAtLeastMinutes + TOLERANCE_MINUTES) return 'more than the truth';
  if (minutes + uncertainty < server.truthAtMostMinutes - TOLERANCE_MINUTES) return 'less than the truth';
  return undefined;
}

/** The comparison as a table. */
export function formatTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ server, cached, problem }) => [
    server.name ?? '',
    server.id,
    server.state,
    cached ? formatMinutes(cached.minutes) : '-',
    cached ? formatMinutes(cached.uncertainty) : '-',
    cached?.cachedAt ?? '-',
    formatTruth(server),
    problem ? `WRONG: ${problem}` : 'ok',
  ]);
  const header = ['server', 'id', 'state', 'running time', 'uncertainty', 'cached at', 'truth', ''];
  return formatRows(header, rows, new Set([3, 4, 6]));
}

/** Rows under a header, in columns; those named are aligned to the right. */
export function formatRows(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: ReadonlySet<number>,
): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        rightAligned.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Minutes as the cache has them. */
export function formatMinutes(minutes: number): string {
  return `${minutes.toFixed(2)} min`;
}

function formatTruth({ truthAtLeastMinutes, truthAtMostMinutes }: TrueServer): string {
  const exact = truthAtLeastMinutes === truthAtMostMinutes;
  return exact
    ? formatMinutes(truthAtLeastMinutes)
    : `${truthAtLeastMinutes.toFixed(2)} to ${formatMinutes(truthAtMostMinutes)}`;
}
