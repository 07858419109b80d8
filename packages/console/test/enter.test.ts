import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { wantedPath } from '../src/components/enter.ts';

beforeAll(() => void vi.stubGlobal('location', { origin: 'http://localhost:7700' }));
afterAll(() => void vi.unstubAllGlobals());

describe('the page after signing in', () => {
  it.each([
    [null, '/'],
    ['', '/'],
    ['/', '/'],
    ['/ledger', '/ledger'],
    ['/versions/01a2', '/versions/01a2'],
    ['//elsewhere.example/x', '/'],
    ['/\\elsewhere.example', '/'],
    ['https://elsewhere.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/\t/elsewhere.example', '/'],
  ])('%j leads to %j', (wanted, path) => {
    expect(wantedPath(wanted)).toBe(path);
  });
});
