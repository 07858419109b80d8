/** What a test consists of: which attacks, on which samples, under which threat model. */
import type { Random } from '@merlon/core';
import { type Dataset, sample, type TableSchema } from '@merlon/graph';
import { AttackError } from './error.ts';
import type { GradientSource } from './model/sessions.ts';
import type { AttackRow, Suite } from './row.ts';
import { attackNamed, attacksOf, suites } from './table.ts';
import { constraintsOf } from './tabular/constraints.ts';
import {
  type Bounds,
  type Budget,
  type Criterion,
  l0,
  l1,
  l2,
  linf,
  type Norm,
  untargeted,
} from './threat.ts';
import type { ThreatModel } from './verdict.ts';

/** The part of a test that says what is attacked and how far. */
export interface Choice {
  /** A ready-made selection; default `tabular` with a schema, `fast` with gradients. */
  readonly suite?: string;
  /** Attacks by name, instead of a suite; with a suite, after it. */
  readonly attacks?: readonly string[];
  /** Norm of dense attacks (default `linf`). */
  readonly norm?: Norm;
  /**
   * Radius (default 8/255 in linf, 0.5 in l2, 12 in l1, a twentieth of the elements in l0; any
   * number of features of tables).
   */
  readonly epsilon?: number;
  /** Range of every element of dense inputs (default [0, 1]). */
  readonly bounds?: Bounds;
  /**
   * The class that samples must be taken for; those that are of it are not attacked. Default: any
   * wrong class counts.
   */
  readonly target?: number;
  /** Most queries for a row, for attacks that count them. */
  readonly queriesMax?: number;
  /** Schema of a table. */
  readonly constraints?: Pick<TableSchema, 'features' | 'relations' | 'linear' | 'groups'>;
  /** Samples drawn from the data (default 500; all when fewer). */
  readonly samples?: number;
}

/** What a model offers to attacks. */
export interface Abilities {
  readonly gradient?: GradientSource;
  readonly givesScores: boolean;
}

/** Bounds of images whose elements are shares of white. */
export const unit: Bounds = { min: 0, max: 1 };

const defaults = { linf: 8 / 255, l2: 0.5, l1: 12 } as const;
const changedShare = 0.05;

/** An attack and the suite that it runs for, if any. */
export interface ChosenAttack {
  readonly row: AttackRow;
  readonly suite?: Suite;
}

/**
 * The attacks to run. A suite leaves out what does not fit the model, the data or the norm; an
 * attack that was named must fit. Throws `unknown-attack`, `unsupported-model` or
 * `invalid-option`.
 */
export function chooseAttacks(model: Abilities, choice: Choice): readonly ChosenAttack[] {
  const { attacks, constraints } = choice;
  const usual = constraints ? 'tabular' : model.gradient ? 'fast' : 'decision';
  const named = (attacks ?? []).map(attackNamed);
  const suite = choice.suite ?? (attacks === undefined ? usual : undefined);
  const rows = suite === undefined ? [] : attacksOf(suite);
  if (rows.length + named.length === 0) {
    throw new AttackError('invalid-option', '"attacks" expected at least one name, got none');
  }
  const fitting = rows.filter((row) => misfit(row, model, choice) === undefined);
  const wrong = named.find((row) => misfit(row, model, choice) !== undefined);
  const none = named.length === 0 && fitting.length === 0 ? rows[0] : undefined;
  const refused = wrong ?? none;
  const refusal = refused && misfit(refused, model, choice);
  if (refusal) throw refusal;
  const from = suites.find((each) => each === suite);
  return [
    ...fitting.map((row) => ({ row, ...(from && { suite: from }) })),
    ...named.filter((row) => !fitting.includes(row)).map((row) => ({ row })),
  ];
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
export function threatOf(
  row: AttackRow,
  choice: Choice,
  of: { readonly rowSize: number; readonly criterion?: Criterion },
): ThreatModel {
  const { constraints, bounds = unit } = choice;
  const { criterion = untargeted } = of;
  const threat = { budget: budgetOf(row, choice, of.rowSize), bounds, criterion };
  return constraints ? { ...threat, constraints: constraintsOf(constraints) } : threat;
}

function budgetOf(row: AttackRow, { norm = 'linf', epsilon }: Choice, rowSize: number): Budget {
  if (row.data === 'table') return l0(epsilon);
  if (norm === 'l0') return l0(epsilon ?? Math.ceil(changedShare * rowSize));
  const radius = { linf, l2, l1 }[norm];
  return radius(epsilon ?? defaults[norm]);
}

function misfit(row: AttackRow, model: Abilities, choice: Choice): AttackError | undefined {
  const { name, needs } = row;
  const noGradient = needs === 'gradients' && model.gradient === undefined;
  if (noGradient || (needs === 'scores' && !model.givesScores)) {
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
