import { describe, expect, it } from 'vitest';
import { isQuiet, takenByOthers } from '../src/load.ts';

describe('what others take of a machine', () => {
  const from = { totalMs: 1000, idleMs: 600, ownMs: 100 };
  it('is what was busy without this process', () => {
    expect(takenByOthers(from, { totalMs: 1400, idleMs: 700, ownMs: 300 })).toBeCloseTo(0.25, 12);
  });
  it('is nothing where this process counts for more than was seen', () => {
    expect(takenByOthers(from, { totalMs: 1400, idleMs: 900, ownMs: 250 })).toBe(0);
  });
  it('is not told over too short a time', () => {
    expect(takenByOthers(from, { totalMs: 1090, idleMs: 600, ownMs: 100 })).toBeNull();
  });
  it('is asked for without failing', () => {
    expect([true, false]).toContain(isQuiet());
  });
});
