import { describe, expect, it } from 'vitest';
import { drawPicture } from './picture.ts';
import type { Comparison } from './report.ts';

function row(name: string | null, minutes: number, uncertainty = 0, truth = minutes): Comparison {
  const id = 'i-0123456789abcdef0';
  return {
    server: {
      id,
      account: '000000000000',
      region: 'us-east-1',
      name,
      state: 'running',
      visible: true,
      truthAtLeastMinutes: truth,
      truthAtMostMinutes: truth,
    },
    cached: {
      id,
      minutes,
      uncertainty,
      month: '2026-11',
      cachedAt: '2026-11-03T10:00:00.000Z',
      runningSince: undefined,
    },
    problem: undefined,
  };
}

/** The widths of the bars of a kind, in the order of the rows; the first one is the legend's. */
function widths(picture: string, kind: string): number[] {
  const bars = [...picture.matchAll(new RegExp(`<rect class="${kind}" x="[\\d.]+" y="\\d+" width="([\\d.]+)"`, 'g'))];
  return bars.slice(1).map(([, width]) => Number(width));
}

describe('The picture of the demo', () => {
  it('draws what is proven as long as the square root of its minutes', () => {
    const [longest, shorter] = widths(drawPicture([row('a', 40_000), row('b', 10_000)]), 'proven');
    expect(longest).toBe(420);
    expect(shorter).toBe(210);
  });

  it('draws what is possible beside it, hatched, and says how much it is', () => {
    const picture = drawPicture([row('a', 100, 300)]);
    expect(widths(picture, 'proven')).toEqual([210]);
    expect(widths(picture, 'possible')).toEqual([210]);
    expect(picture).toContain('100.00 min, 300.00 min more');
    expect(picture).toMatch(/\.possible \{ fill: url\(#hatch\)/);
  });

  it('shows the least certain of a large fleet, and says how many it leaves out', () => {
    const fleet = Array.from({ length: 40 }, (_, n) => row(`server-${n}`, n * 100));
    const picture = drawPicture([...fleet, row('vague', 0, 90)]);
    expect(picture).toContain('>vague<');
    expect(picture).toContain('… and 27 more');
  });

  it('takes a name as text, and where there is none, the id', () => {
    const picture = drawPicture([row('</text><script>alert("x")</script>', 1), row(null, 1)]);
    expect(picture).toContain('&lt;/text&gt;&lt;script&gt;alert(&quot;x&quot;)');
    expect(picture).not.toContain('<script');
    expect(picture).toContain('>i-0123456789abcdef0<');
  });

  it('says of a wrong value that it is wrong', () => {
    expect(drawPicture([{ ...row('a', 5), problem: 'more than the truth' }])).toContain('WRONG, more than the truth');
  });
});
