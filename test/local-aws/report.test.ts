import { describe, expect, it } from 'vitest';
import type { CachedServer } from './aws.ts';
import { findProblem, formatTable } from './report.ts';
import type { TrueServer } from './simulator.ts';

const server: TrueServer = {
  id: 'i-0123456789abcdef0',
  account: '000000000000',
  region: 'us-east-1',
  name: 'web',
  state: 'stopped',
  visible: true,
  truthAtLeastMinutes: 600,
  truthAtMostMinutes: 600,
};

function cached(minutes: number, uncertainty: number): CachedServer {
  return {
    id: server.id,
    minutes,
    uncertainty,
    month: '2025-10',
    cachedAt: '2025-10-20T12:00:00Z',
    runningSince: undefined,
  };
}

describe('findProblem', () => {
  it.each([
    ['the truth itself', cached(600, 0)],
    ['half a minute more', cached(600.5, 0)],
    ['half a minute less', cached(599.5, 0)],
    ['a span around the truth', cached(100, 1000)],
  ])('accepts %s', (_, value) => {
    expect(findProblem(server, value)).toBeUndefined();
  });

  it.each([
    ['a value above the truth', cached(601, 0), 'more than the truth'],
    ['a span above the truth', cached(700, 10), 'more than the truth'],
    ['a value below the truth', cached(599, 0), 'less than the truth'],
    ['a span below the truth', cached(0, 500), 'less than the truth'],
    ['no value', undefined, 'not cached'],
    ['what is no number', cached(Number.NaN, 0), 'no running time: NaN + 0 min'],
  ])('rejects %s', (_, value, problem) => {
    expect(findProblem(server, value)).toBe(problem);
  });

  it('wants everything inside that real records leave possible', () => {
    const vague = { ...server, truthAtLeastMinutes: 100, truthAtMostMinutes: 600 };
    expect(findProblem(vague, cached(100, 500))).toBeUndefined();
    expect(findProblem(vague, cached(0, 1000))).toBeUndefined();
    expect(findProblem(vague, cached(200, 400))).toBe('more than the truth');
    expect(findProblem(vague, cached(100, 400))).toBe('less than the truth');
  });
});

describe('formatTable', () => {
  it('shows each server in a line, and says which are wrong', () => {
    const right = { server, cached: cached(600, 0), problem: undefined };
    const wrong = { server: { ...server, name: null }, cached: undefined, problem: 'not cached' };
    expect(formatTable([right, wrong])).toMatchInlineSnapshot(`
      "server  id                   state    running time  uncertainty  cached at                  truth
      ------  -------------------  -------  ------------  -----------  --------------------  ----------  -----------------
      web     i-0123456789abcdef0  stopped    600.00 min     0.00 min  2025-10-20T12:00:00Z  600.00 min  ok
              i-0123456789abcdef0  stopped             -            -  -                     600.00 min  WRONG: not cached"
    `);
  });
});
