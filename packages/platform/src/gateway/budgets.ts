/**
 * Rows that keys may still ask for within a day: what the store holds of them when a key is first
 * seen, and from then on what is answered here. Rows are taken before the model is asked, so that
 * requests at the same time cannot share the last of a budget.
 */
import { type Clock, isoTime } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import type { ApiKey } from '../model.ts';
import type { Store } from '../store/store.ts';

/** Rows that were taken. */
export interface Taken {
  /** They were answered. */
  spend(): void;
  /** They were not. */
  giveBack(): void;
}

/** The budgets of all keys. */
export interface Budgets {
  /** Throws `budget-spent`. */
  take(key: ApiKey, rows: number): Promise<Taken>;
}

interface Spent {
  /** Rows by the minute in which they were answered. */
  readonly minutes: Map<number, number>;
  total: number;
  /** Rows that are being answered. */
  pending: number;
}

const minuteMs = 60_000;
const minutesADay = 24 * 60;

/** Budgets over a store; minutes count whole, so that rows come back up to a minute late. */
export function openBudgets(store: Pick<Store, 'rowsByMinute'>, clock: Clock): Budgets {
  const all = new Map<string, Promise<Spent>>();
  const spentBy = (keyId: string): Promise<Spent> => {
    const known = all.get(keyId);
    if (known !== undefined) return known;
    const fresh = load(store, keyId, clock.nowMs());
    all.set(keyId, fresh);
    // A store that could not be asked is asked again.
    fresh.catch(() => all.delete(keyId));
    return fresh;
  };
  return {
    take: async (key, rows) => {
      const spent = await spentBy(key.id);
      forgetOld(spent, clock.nowMs());
      const left = key.budgetRows - spent.total - spent.pending;
      if (rows > left) throw budgetSpent(Math.max(0, left));
      spent.pending += rows;
      return {
        giveBack: () => {
          spent.pending -= rows;
        },
        spend: () => {
          spent.pending -= rows;
          spent.total += rows;
          const minute = Math.floor(clock.nowMs() / minuteMs);
          spent.minutes.set(minute, (spent.minutes.get(minute) ?? 0) + rows);
        },
      };
    },
  };
}

async function load(
  store: Pick<Store, 'rowsByMinute'>,
  keyId: string,
  nowMs: number,
): Promise<Spent> {
  const since = isoTime(nowMs - minutesADay * minuteMs);
  const minutes = new Map<number, number>();
  let total = 0;
  for (const { minute, rows } of await store.rowsByMinute(keyId, since)) {
    minutes.set(Math.floor(Date.parse(`${minute}:00Z`) / minuteMs), rows);
    total += rows;
  }
  return { minutes, total, pending: 0 };
}

function forgetOld(spent: Spent, nowMs: number): void {
  const oldest = Math.floor(nowMs / minuteMs) - minutesADay;
  for (const [minute, rows] of spent.minutes) {
    if (minute >= oldest) continue;
    spent.minutes.delete(minute);
    spent.total -= rows;
  }
}

function budgetSpent(left: number): PlatformError {
  return new PlatformError('budget-spent', `the key's budget has ${left} rows left today`, {
    hint: 'wait, or ask an operator for a larger budget',
  });
}
