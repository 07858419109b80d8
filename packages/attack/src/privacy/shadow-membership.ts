/**
 * Membership inference with shadow models, put together: what the model in question and its
 * shadows say of the same rows, scored by LiRA (online and offline) and RMIA, told as separations.
 */
import { AttackError } from '../error.ts';
import { type Separation, separationOf } from './separation.ts';
import {
  liraOffline,
  liraOnline,
  type ReferenceShares,
  rmia,
  type ShadowSignals,
} from './shadow.ts';

/** Signals of rows by the model in question and by its shadows. */
export interface ShadowTable {
  /** Logits by the model in question, one a row. */
  readonly observed: Float64Array;
  /** Logits by each shadow model, [models][rows]. */
  readonly logits: readonly Float64Array[];
  /** 1 where a shadow model was trained on the row, [models][rows]. */
  readonly inside: readonly Uint8Array[];
}

/** Positions of rows by what is known of them. */
export interface ShadowRoles {
  readonly members: readonly number[];
  readonly nonmembers: readonly number[];
  /** Rows that RMIA compares with: neither members nor judged. */
  readonly population: readonly number[];
}

/** How well each attack tells members from others. */
export interface ShadowReport {
  readonly shadows: number;
  readonly liraOnline: Separation;
  /** Uses only models that were trained without the row: those an attacker can make beforehand. */
  readonly liraOffline: Separation;
  readonly rmia: Separation;
}

/** Scores rows by every attack; throws `invalid-data` below two models on each side of a row. */
export function shadowMembership(table: ShadowTable, roles: ShadowRoles): ShadowReport {
  const { members, nonmembers, population } = roles;
  if (members.length === 0 || nonmembers.length === 0) {
    throw new AttackError('invalid-data', 'members and others expected rows, got none');
  }
  const judged = [...members, ...nonmembers];
  const rows = judged.map((row) => signalsOf(table, row));
  const told = (scores: Float64Array): Separation =>
    separationOf(scores.slice(0, members.length), scores.slice(members.length));
  const others = population.map((row) => sharesOf(signalsOf(table, row)));
  return {
    shadows: table.logits.length,
    liraOnline: told(liraOnline(rows)),
    liraOffline: told(liraOffline(rows)),
    rmia: told(rmia(rows.map(sharesOf), others)),
  };
}

function signalsOf({ observed, logits, inside }: ShadowTable, row: number): ShadowSignals {
  const pick = (side: 0 | 1): number[] =>
    logits.flatMap((own, model) => (inside[model]?.[row] === side ? [own[row] ?? 0] : []));
  return { observed: observed[row] ?? 0, inside: pick(1), outside: pick(0) };
}

/** The reference share weighs models with and without the row alike, as RMIA's equation 10 does. */
function sharesOf({ observed, inside, outside }: ShadowSignals): ReferenceShares {
  const mean = (list: readonly number[]): number =>
    list.reduce((sum, logit) => sum + shareOf(logit), 0) / Math.max(1, list.length);
  return { observed: shareOf(observed), reference: (mean(inside) + mean(outside)) / 2 };
}

function shareOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
