import { formatMinutes, type Comparison } from './report.ts';

/** Rows of a picture; of a larger fleet the least certain servers are shown, and others of every size. */
const MOST_ROWS = 14;
const WIDTH = 880;
const ROW = 26;
const TOP = 76;
const NAME_RIGHT = 232;
const BARS = { left: 244, width: 420 };
const NUMBERS_RIGHT = 864;

/** The scale's marks, in minutes. */
const MARKS = [
  { minutes: 60, label: '1 h' },
  { minutes: 24 * 60, label: '1 day' },
  { minutes: 5 * 24 * 60, label: '5 days' },
  { minutes: 15 * 24 * 60, label: '15 days' },
];

const STYLE = `
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #59636e }
  .number { font-variant-numeric: tabular-nums }
  .page { fill: #ffffff }
  .line { stroke: #d1d9e0 }
  .proven { fill: #2f6f4f }
  .possible { fill: url(#hatch); stroke: #2f6f4f }
  .hatch { stroke: #2f6f4f }
  .truth { fill: #bc4c00; stroke: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .page { fill: #0d1117 }
    .line { stroke: #3d444d }
    .proven { fill: #57ab7a }
    .possible { stroke: #57ab7a }
    .hatch { stroke: #57ab7a }
    .truth { fill: #f0883e; stroke: #0d1117 }
  }`;

/** What the cache says of each server beside the truth, as an SVG that stands alone: light and dark, without script. */
export function drawPicture(comparisons: readonly Comparison[]): string {
  const rows = select(comparisons);
  const longest = Math.max(60, ...comparisons.map(mostMinutes));
  const x = (minutes: number): number => BARS.left + BARS.width * Math.sqrt(minutes / longest);
  const bottom = TOP + rows.length * ROW;
  const left = comparisons.length - rows.length;
  const title = `Running time this month of ${comparisons.length} servers, as the cache has it`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 34}" role="img" aria-label="${title}">`,
    `<style>${STYLE}</style>`,
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">',
    '<line class="hatch" x1="0" y1="0" x2="0" y2="6" stroke-width="2"/></pattern></defs>',
    `<rect class="page" width="100%" height="100%" rx="6"/>`,
    `<text class="title" x="16" y="28">${title}</text>`,
    legend(),
    ...MARKS.filter(({ minutes }) => minutes < longest).map(({ minutes, label }) => mark(x(minutes), label, bottom)),
    ...rows.map((row, number) => drawRow(row, TOP + number * ROW, x)),
    left > 0 ? `<text class="quiet" x="16" y="${bottom + 22}">… and ${left} more</text>` : '',
    '</svg>\n',
  ].join('\n');
}

function legend(): string {
  return [
    '<rect class="proven" x="586" y="17" width="22" height="12" rx="2"/><text class="quiet" x="614" y="28">proven</text>',
    '<rect class="possible" x="674" y="17" width="22" height="12" rx="2"/><text class="quiet" x="702" y="28">possible</text>',
    `${diamond(778, 23)}<text class="quiet" x="790" y="28">the truth</text>`,
  ].join('');
}

function mark(x: number, label: string, bottom: number): string {
  const at = x.toFixed(1);
  return [
    `<line class="line" x1="${at}" y1="${TOP - 8}" x2="${at}" y2="${bottom}"/>`,
    `<text class="quiet" x="${at}" y="${TOP - 14}" text-anchor="middle">${label}</text>`,
  ].join('');
}

function drawRow({ server, cached, problem }: Comparison, top: number, x: (minutes: number) => number): string {
  const [middle, baseline] = [top + ROW / 2, top + ROW / 2 + 4.5];
  const name = `<text x="${NAME_RIGHT}" y="${baseline}" text-anchor="end">${escape(server.name ?? server.id)}</text>`;
  const bar = (kind: string, from: number, to: number): string =>
    to > from
      ? `<rect class="${kind}" x="${x(from).toFixed(1)}" y="${top + 6}" width="${Math.max(1, x(to) - x(from)).toFixed(1)}" height="${ROW - 12}" rx="2"/>`
      : '';
  const { minutes, uncertainty } = cached ?? { minutes: 0, uncertainty: 0 };
  const said = cached
    ? `${formatMinutes(minutes)}${uncertainty > 0 ? `, ${formatMinutes(uncertainty)} more` : ''}`
    : '-';
  const text = problem === undefined ? said : `${said}: WRONG, ${problem}`;
  return [
    name,
    bar('proven', 0, minutes),
    bar('possible', minutes, minutes + uncertainty),
    diamond(x(server.truthAtLeastMinutes), middle),
    `<text class="number" x="${NUMBERS_RIGHT}" y="${baseline}" text-anchor="end">${escape(text)}</text>`,
  ].join('');
}

function diamond(x: number, y: number): string {
  return `<path class="truth" d="M${x.toFixed(1)} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>`;
}

/** The least certain servers, and of the others as many as there is room for, of every size; the most minutes first. */
function select(comparisons: readonly Comparison[]): Comparison[] {
  const sorted = comparisons.toSorted((one, other) => mostMinutes(other) - mostMinutes(one));
  if (sorted.length <= MOST_ROWS) return sorted;
  const vague = sorted.filter(({ cached }) => (cached?.uncertainty ?? 0) > 0).slice(0, MOST_ROWS / 2);
  const others = sorted.filter((row) => !vague.includes(row));
  const room = MOST_ROWS - vague.length;
  const chosen = new Set(
    Array.from({ length: room }, (_, n) => others[Math.round((n * (others.length - 1)) / (room - 1))]),
  );
  return sorted.filter((row) => vague.includes(row) || chosen.has(row));
}

function mostMinutes({ server, cached }: Comparison): number {
  return Math.max((cached?.minutes ?? 0) + (cached?.uncertainty ?? 0), server.truthAtMostMinutes);
}

/** A server's name is other people's text. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
