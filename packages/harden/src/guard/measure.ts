/**
 * What guards are worth: accuracy on clean rows, under an attacker who does not know of them, under
 * one who does, and under one who only asks. A guard that stops the first alone hides gradients
 * (Athalye et al. 2018, "Obfuscated gradients give a false sense of security").
 */
import { type GradientSource, percent, type RunOptions, runAttacks } from '@merlon/attack';
import { seeded } from '@merlon/core';
import type { Dataset, Session } from '@merlon/graph';
import { guardedGradients, guardedSession } from './attacked.ts';
import type { GuardConfig } from './config.ts';

/** Shares of rows that are answered right. */
export interface GuardVerdict {
  readonly samples: number;
  /** The bare model: clean, and under the same attacks. */
  readonly bare: { readonly clean: number; readonly robust: number };
  readonly clean: number;
  /** Under gradients of the bare model. */
  readonly unaware: number;
  /** Under gradients through the guards. */
  readonly adaptive: number;
  /** Under an attack by queries alone (Square, Andriushchenko et al. 2020). */
  readonly queries: number;
  /** What a reader must know before believing the figures. */
  readonly remarks: readonly string[];
}

/** How to measure. */
export type MeasureOptions = Pick<
  RunOptions,
  'norm' | 'epsilon' | 'bounds' | 'constraints' | 'seed' | 'samples' | 'clock' | 'onProgress'
> & {
  /** Answers that are averaged where a guard adds noise (default 8). */
  readonly draws?: number;
  /** Queries of the attack by queries (default 1000). */
  readonly queriesMax?: number;
};

/** Difference of shares above which an attacker who knows the guard is told to gain by it. */
const gainMin = 0.05;

/** Attacks a model behind guards in three ways. Throws what `runAttacks` throws. */
export async function measureGuards(
  target: { readonly session: Session; readonly gradient: GradientSource },
  guards: GuardConfig,
  dataset: Dataset,
  options: MeasureOptions,
): Promise<GuardVerdict> {
  const { draws = 8, queriesMax = 1000, ...common } = options;
  const { session, gradient } = target;
  const random = seeded(common.seed).fork('guards');
  const drawing = { random, draws };
  const guarded = guardedSession(session, guards, drawing);
  const through = guardedGradients(gradient, guards, drawing);
  const whiteBox = ['pgd', 'apgd-ce'];
  const run = async (under: Session, source: GradientSource | null, attacks: readonly string[]) => {
    const found = await runAttacks(
      { session: under, ...(source !== null && { gradient: source }) },
      dataset,
      { ...common, attacks, queriesMax, examplesMax: 0 },
    );
    return found.verdict;
  };
  const bare = await run(session, gradient, whiteBox);
  const unaware = await run(guarded, gradient, whiteBox);
  const adaptive = await run(guarded, through, whiteBox);
  const queries = await run(guarded, null, ['square']);
  const figures = {
    clean: adaptive.clean.accuracy,
    unaware: unaware.robustAccuracy,
    adaptive: adaptive.robustAccuracy,
    queries: queries.robustAccuracy,
  };
  return {
    samples: adaptive.samples,
    bare: { clean: bare.clean.accuracy, robust: bare.robustAccuracy },
    ...figures,
    remarks: remarksOn({ ...figures, bare: bare.robustAccuracy }),
  };
}

function remarksOn(of: {
  readonly bare: number;
  readonly unaware: number;
  readonly adaptive: number;
  readonly queries: number;
}): string[] {
  const { bare, unaware, adaptive, queries } = of;
  const least = Math.min(adaptive, queries);
  const remarks: string[] = [];
  if (unaware - least > gainMin) {
    const who = queries < adaptive ? 'only asks questions' : 'knows the guards';
    remarks.push(
      `the guards hide gradients: an attacker who ${who} leaves ${percent(least)} right, where ` +
        `one who does not know of them leaves ${percent(unaware)}`,
    );
  }
  if (least - bare <= gainMin) {
    remarks.push(
      `the guards are no defence against such attackers: ${percent(bare)} are right without ` +
        `them, ${percent(least)} with them`,
    );
  }
  return remarks;
}
