/**
 * The last word on an attack. Whatever an attack says of itself, its candidates are first brought
 * inside the threat model and then shown to the plain model; only what that model gets wrong
 * counts as broken.
 */
import { type Batch, gather, median, positions, rowOf, sizeOf } from './batch.ts';
import { ball } from './gradient/ball.ts';
import type { Classifier } from './model/classifier.ts';
import type { Constraints } from './tabular/constraints.ts';
import {
  type Bounds,
  type Budget,
  type Criterion,
  distance,
  isSuccess,
  type Norm,
} from './threat.ts';

/** What an attacker may do and wants: the same for an attack and for its judge. */
export interface ThreatModel {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly criterion: Criterion;
  /** For tables: what a row must satisfy. */
  readonly constraints?: Constraints;
}

/** What the judge found, row by row. */
export interface Judgement {
  /** The inputs that were judged: the candidates inside the threat model. */
  readonly x: Float32Array;
  /** The plain model's answer to each. */
  readonly predictions: Int32Array;
  readonly broken: readonly boolean[];
  /** Distance from the clean row in the budget's norm. */
  readonly distances: readonly number[];
}

/** One attack's result, as the command line prints it. */
export interface AttackRecord {
  readonly name: string;
  readonly norm: Norm;
  /** Radius; null when unlimited. */
  readonly epsilon: number | null;
  /** Share of all samples that the model gets right clean and under this attack. */
  readonly robustAccuracy: number;
  /** Share of the samples right when clean that the attack broke. */
  readonly successRate: number;
  /** Median over the broken samples, in the norm (l0: changed features); null when none broke. */
  readonly medianDistance: number | null;
  /** For tables: median sum of changes, each as a share of its feature's range. */
  readonly medianRanges?: number;
  /** Rows shown to the model, gradients included. */
  readonly queries: number;
  readonly seconds: number;
  /** Why the figure may be too good, when there is a sign of that. */
  readonly unreliable?: string;
}

/** The result of a test; plain data. */
export interface AttackVerdict {
  readonly samples: number;
  readonly clean: { readonly accuracy: number };
  readonly attacks: readonly AttackRecord[];
  /** Share of samples right when clean and under every attack. */
  readonly robustAccuracy: number;
  readonly seconds: number;
  readonly seed: number;
}

/** Judges one candidate a row; costs one query a row. */
export async function judge(
  model: Classifier,
  clean: Batch,
  candidates: Float32Array,
  threat: ThreatModel,
): Promise<Judgement> {
  const size = sizeOf(clean);
  const x = threat.constraints
    ? validRows(clean, candidates, threat.constraints, threat.budget.epsilon)
    : insideBall(clean, candidates, threat);
  const predictions = await model.predict(x);
  const rows = positions(clean.labels.length);
  return {
    x,
    predictions,
    broken: rows.map((row) =>
      isSuccess(threat.criterion, predictions[row] ?? -1, clean.labels[row] ?? 0, row),
    ),
    distances: rows.map((row) =>
      distance(threat.budget.norm, rowOf(x, row, size), rowOf(clean.x, row, size)),
    ),
  };
}

/** The figures of a judged attack. */
export function summarise(
  judgement: Judgement,
  clean: Batch,
  facts: {
    readonly samples: number;
    readonly threat: ThreatModel;
  },
): Omit<AttackRecord, 'name' | 'queries' | 'seconds' | 'unreliable'> {
  const { budget, constraints } = facts.threat;
  const size = sizeOf(clean);
  const broken = positions(clean.labels.length).filter((row) => judgement.broken[row]);
  const ranges = median(
    broken.map((row) => {
      const changed = rowOf(judgement.x, row, size);
      return constraints?.distance(changed, rowOf(clean.x, row, size)).ranges ?? 0;
    }),
  );
  const standing = clean.labels.length - broken.length;
  return {
    norm: budget.norm,
    epsilon: Number.isFinite(budget.epsilon) ? budget.epsilon : null,
    robustAccuracy: share(standing, facts.samples),
    successRate: share(broken.length, clean.labels.length),
    medianDistance: median(broken.map((row) => judgement.distances[row] ?? 0)) ?? null,
    ...(constraints && ranges !== undefined && { medianRanges: ranges }),
  };
}

/** A share that is 0 of nothing. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function insideBall(clean: Batch, candidates: Float32Array, threat: ThreatModel): Float32Array {
  const x = finiteOr(clean.x, candidates);
  const { budget } = threat;
  if (budget.norm !== 'l0') ball(clean.x, sizeOf(clean), budget, threat.bounds).project(x);
  return x;
}

/** Rows that break a constraint, or change too much, are replaced by the clean ones. */
function validRows(
  clean: Batch,
  candidates: Float32Array,
  constraints: Constraints,
  changedMax: number,
): Float32Array {
  const size = sizeOf(clean);
  const x = gather(clean.x, positions(clean.labels.length), size);
  for (let row = 0; row < clean.labels.length; row++) {
    const original = rowOf(clean.x, row, size);
    const candidate = rowOf(candidates, row, size);
    const valid = constraints.violations(candidate, original).length === 0;
    if (!valid || constraints.distance(candidate, original).changed > changedMax) continue;
    x.set(candidate, row * size);
  }
  return x;
}

function finiteOr(clean: Float32Array, candidates: Float32Array): Float32Array {
  return clean.map((own, i) => {
    const value = candidates[i] ?? Number.NaN;
    return Number.isFinite(value) ? value : own;
  });
}
