/** A clock that runs behind what was written down already. */
import { isJsonObject, isoTime } from '@merlon/core';
import type { LedgerStore } from '../store/store.ts';

/** Machines whose clocks are kept by NTP are closer together than this. */
const toleranceMs = 5 * 60_000;

/**
 * What is wrong with the clock of this machine, seen from the newest decision; null when nothing
 * is. Work goes on: a decision under a wrong time is better than none, and the order of decisions
 * is that of the ledger.
 */
export async function clockFault(store: LedgerStore, nowMs: number): Promise<string | null> {
  const size = await store.ledgerSize();
  const [newest] = size === 0 ? [] : await store.ledgerEntries(size - 1, 1);
  const leaf: unknown = JSON.parse(newest?.leaf ?? '{}');
  const at = isJsonObject(leaf) ? Date.parse(String(leaf.at)) : Number.NaN;
  if (Number.isNaN(at) || nowMs >= at - toleranceMs) return null;
  const [now, then] = [isoTime(nowMs), isoTime(at)];
  return `the clock says ${now}, and the newest decision in the ledger was made at ${then}`;
}
