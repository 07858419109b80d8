/** What hardening is judged by: the same test before and after. */
import type { Json, JsonObject } from '@merlon/core';
import type { PrivacySpent } from '@merlon/harden';
import type { AssessOptions, AssessOutput } from '../confine/tasks/assess.ts';

/** Shares of rows that a model is right about. */
export interface HardenFigures {
  readonly clean: number;
  /** Under PGD with forty steps (Madry et al. 2018). */
  readonly pgd: number;
  /** Under all attacks of the test: PGD and APGD (Croce and Hein 2020), which adapts its steps. */
  readonly robust: number;
}

const rowsMax = 500;

/** The test, for the worker's task `assess`, on at most as many rows as are trained on. */
export function judgingOptions(of: {
  readonly epsilon: number;
  readonly seed: number;
  readonly threads: number;
  readonly samples: number;
}): AssessOptions {
  return { attacks: ['pgd', 'apgd-ce'], ...of, samples: Math.min(rowsMax, of.samples) };
}

/** The figures in a verdict. */
export function figuresOf({ verdict }: AssessOutput): HardenFigures {
  const pgd = verdict.attacks.find(({ name }) => name === 'pgd');
  const { robustAccuracy: robust } = verdict;
  return { clean: verdict.clean.accuracy, pgd: pgd?.robustAccuracy ?? robust, robust };
}

/** Figures as JSON. */
export function figuresJson({ clean, pgd, robust }: HardenFigures): JsonObject {
  return { clean, pgd, robust };
}

/** A promise of privacy as JSON; null where none was made. */
export function privacyJson(spent: PrivacySpent | undefined): Json {
  if (spent === undefined) return null;
  const { epsilon, delta, noiseMultiplier } = spent;
  return { epsilon, delta, noiseMultiplier };
}

/** Why the weights are not those of the last epoch. */
export function divergedBecause(of: {
  readonly steps: number;
  readonly keptEpoch: number;
}): string {
  const kept =
    of.keptEpoch === 0 ? 'the last checkpoint' : `epoch ${of.keptEpoch}, the best of those before,`;
  return `the loss stopped being a number at step ${of.steps}; the weights of ${kept} were kept`;
}
