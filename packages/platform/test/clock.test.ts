/** A clock that was turned back is told at the start, and nothing stops because of it. */
import { rmSync } from 'node:fs';
import { manualClock } from '@merlon/core';
import { expect, it } from 'vitest';
import { freshHome, startTest } from './support/platform.ts';

it('a clock behind the newest decision is told in one sentence', { timeout: 60_000 }, async () => {
  const home = freshHome();
  const decide = async (atMs: number): Promise<string[]> => {
    const { running, faults } = await startTest({ home, clock: manualClock(atMs) });
    const { services, workspaceId } = running.platform;
    const actor = { kind: 'platform', id: 'p', name: 'p', workspaceId, role: 'operator' } as const;
    const decision = { action: 'note', resource: 'clock' };
    await services.ledger.record({ ...actor, secondFactor: true, scope: null }, decision);
    expect((await services.ledger.verify()).valid).toBe(true);
    await running.close();
    return faults.map(String);
  };
  const noon = Date.UTC(2026, 10, 20, 12);
  expect(await decide(noon)).toEqual([]);
  expect(await decide(noon - 60_000)).toEqual([]);
  expect(await decide(noon - 3_600_000)).toEqual([
    expect.stringContaining('the clock says 2026-11-20T11:00:00.000Z, and the newest decision'),
  ]);
  rmSync(home, { recursive: true });
});
