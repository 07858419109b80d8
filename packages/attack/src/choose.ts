/** What a test consists of: which attacks, on which samples, under which threat model. */
import type { Random } from '@merlon/core';
import {
  type Dataset,
  type Session,
  sample,
  type TableSchema,
  type TreeModel,
} from '@merlon/graph';
import { AttackError } from './error.ts';
import type { AttackRow } from './row.ts';
import { attackNamed, attacksOf } from './table.ts';
import { constraintsOf } from './tabular/constraints.ts';
import { type Bounds, type Budget, l0, l2, linf, type Norm, untargeted } from './threat.ts';
import type { ThreatModel } from './verdict.ts';

/** The part of a test that says what is attacked and how far. */
export interface Choice {
  /** A ready-made selection; default `tabular` with a schema, `fast` with gradients. */
  readonly suite?: string;
  /** Attacks by name, instead of a suite. */
  readonly attacks?: readonly string[];
  /** Norm of dense attacks (default `linf`). */
  readonly norm?: Norm;
  /** Radius (default 8/255 in linf, 0.5 in l2, any number of features in l0). */
  readonly epsilon?: number;
  /** Range of every element of dense inputs (default [0, 1]). */
  readonly bounds?: Bounds;
  /** Schema of a table. */
  readonly constraints?: Pick<TableSchema, 'features' | 'relations' | 'linear' | 'groups'>;
  /** Samples drawn from the data (default 500; all when fewer). */
  readonly samples?: number;
}

/** What a model offers to attacks. */
export interface Abilities {
  readonly gradient?: Session;
  readonly trees?: TreeModel;
  readonly givesScores: boolean;
}

/** Bounds of images whose elements are shares of white. */
export const unit: Bounds = { min: 0, max: 1 };

const defaults = { linf: 8 / 255, l2: 0.5 } as const;

/**
 * The attacks to run. A suite leaves out what does not fit the model, the data or the norm; an
 * attack that was named must fit. Throws `unknown-attack`, `unsupported-model` or
 * `invalid-option`.
 */
export function chooseAttacks(model: Abilities, choice: Choice): readonly AttackRow[] {
  const { attacks, constraints } = choice;
  const usual = constraints ? 'tabular' : model.gradient ? 'fast' : 'decision';
  const named = attacks?.map(attackNamed);
  const rows = named ?? attacksOf(choice.suite ?? usual);
  const [first] = rows;
  if (first === undefined) {
    throw new AttackError('invalid-option', '"attacks" expected at least one name, got none');
  }
  const fitting = rows.filter((row) => misfit(row, model, choice) === undefined);
  const wrong = rows.find((row) => !fitting.includes(row));
  const refusal = wrong && (named || fitting.length === 0) && misfit(wrong, model, choice);
  if (refusal) throw refusal;
  return fitting;
}

/** The samples to test; throws `invalid-option` or `invalid-data`. */
export function chooseSamples(dataset: Dataset, choice: Choice, random: Random): Dataset {
  const count = choice.samples ?? 500;
  if (!(Number.isInteger(count) && count > 0)) {
    throw new AttackError('invalid-option', `"samples" expected a positive integer, got ${count}`);
  }
  if (dataset.labels.length === 0) {
    throw new AttackError('invalid-data', 'data expected at least one sample, got none');
  }
  return count >= dataset.labels.length ? dataset : sample(dataset, { count, random });
}

/** The threat model of one attack; throws `invalid-option` for a radius that is none. */
export function threatOf(row: AttackRow, choice: Choice): ThreatModel {
  const { constraints, bounds = unit } = choice;
  const threat = { budget: budgetOf(row, choice), bounds, criterion: untargeted };
  return constraints ? { ...threat, constraints: constraintsOf(constraints) } : threat;
}

function budgetOf(row: AttackRow, { norm = 'linf', epsilon }: Choice): Budget {
  if (row.data === 'table') return l0(epsilon);
  return norm === 'l2' ? l2(epsilon ?? defaults.l2) : linf(epsilon ?? defaults.linf);
}

function misfit(row: AttackRow, model: Abilities, choice: Choice): AttackError | undefined {
  const { name, needs } = row;
  const noGradient = needs === 'gradients' && model.gradient === undefined;
  const noTrees = needs === 'trees' && model.trees === undefined;
  if (noGradient || noTrees || (needs === 'scores' && !model.givesScores)) {
    return new AttackError('unsupported-model', `"${name}" needs ${needs} of the model`, {
      hint: 'Use --suite decision, or --suite tabular for tables.',
    });
  }
  if (row.data === 'table' && choice.constraints === undefined) {
    return new AttackError('invalid-option', `"${name}" needs the schema of the table`, {
      hint: 'Give it with --constraints.',
    });
  }
  const { norm = 'linf' } = choice;
  if (row.data === 'table' || row.norms.includes(norm)) return undefined;
  const message = `"${name}" expected norm ${row.norms.join(' or ')}, got ${norm}`;
  return new AttackError('invalid-option', message);
}
