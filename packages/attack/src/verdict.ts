/**
 * The last word on an attack. Whatever an attack says of itself, its candidates are first brought
 * inside the threat model and then shown to the plain model; only what that model gets wrong
 * counts as broken.
 */
import {
  type Batch,
  ceilFloat32,
  floorFloat32,
  gather,
  median,
  positions,
  rowOf,
  sizeOf,
} from './batch.ts';
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
  /** Wrong within the radius. */
  readonly broken: readonly boolean[];
  /** Wrong at any distance; the same as `broken` but for attacks that look for the least change. */
  readonly found: readonly boolean[];
  /** Distance from the clean row in the budget's norm. */
  readonly distances: readonly number[];
}

/** One attack's result, as the command line prints it. */
export interface AttackRecord {
  readonly name: string;
  readonly norm: Norm;
  /** Radius; null when unlimited. */
  readonly epsilon: number | null;
  /**
   * Share of all samples that the model gets right clean and under this attack (in AutoAttack:
   * under this attack and those before it).
   */
  readonly robustAccuracy: number;
  /** Share of the attacked samples that the attack broke. */
  readonly successRate: number;
  /** Median over the broken samples, in the norm (l0: changed features); null when none broke. */
  readonly medianDistance: number | null;
  /** For tables: median sum of changes, each as a share of its feature's range. */
  readonly medianRanges?: number;
  /** For tables: median sum of changes, each in its feature's own steps. */
  readonly medianSteps?: number;
  /** Samples that it was given; less than all where only those that stood went on. */
  readonly attacked: number;
  /** For attacks that look for the least change: what they found at any distance. */
  readonly least?: {
    readonly successRate: number;
    readonly medianDistance: number | null;
  };
  /** Rows shown to the model, gradients included. */
  readonly queries: number;
  readonly seconds: number;
  /** Why the figure may be too good, when there is a sign of that. */
  readonly unreliable?: string;
}

/** How one class fares. */
export interface ClassRecord {
  readonly name: string;
  readonly samples: number;
  /** Shares of its samples that are right when clean, and under every attack. */
  readonly clean: number;
  readonly robust: number;
}

/** A point of the curve: the share of samples that nothing broke within a radius. */
export interface CurvePoint {
  readonly epsilon: number;
  readonly robustAccuracy: number;
}

/** The result of a test; plain data. */
export interface AttackVerdict {
  readonly samples: number;
  readonly clean: { readonly accuracy: number };
  readonly attacks: readonly AttackRecord[];
  /** AutoAttack's own figure, where its suite ran: the line that others publish. */
  readonly autoAttack?: {
    readonly version: 'standard' | 'plus' | 'rand';
    readonly robustAccuracy: number;
  };
  /** Share of samples right when clean and under every attack: the best of all. */
  readonly robustAccuracy: number;
  /** From the distances of what was found: true values lie on or below it. */
  readonly curve: readonly CurvePoint[];
  readonly classes: readonly ClassRecord[];
  /** What should be known of the model or the test before the figures are believed. */
  readonly remarks: readonly string[];
  readonly seconds: number;
  readonly seed: number;
  /** With the same versions the same seed gives the same verdict. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Judges one candidate a row; costs one query a row. */
export async function judge(
  model: Classifier,
  clean: Batch,
  candidates: Float32Array,
  threat: ThreatModel & { readonly minimal?: true },
): Promise<Judgement> {
  const size = sizeOf(clean);
  const x = insideOf(clean, candidates, threat);
  const predictions = await model.predict(x);
  const rows = positions(clean.labels.length);
  const found = rows.map((row) =>
    isSuccess(threat.criterion, predictions[row] ?? -1, clean.labels[row] ?? 0, row),
  );
  const distances = rows.map((row) =>
    distance(threat.budget.norm, rowOf(x, row, size), rowOf(clean.x, row, size)),
  );
  const within = (row: number): boolean => (distances[row] ?? 0) <= threat.budget.epsilon;
  const broken = found.map((wrong, row) => wrong && (!threat.minimal || within(row)));
  return { x, predictions, broken, found, distances };
}

function insideOf(
  clean: Batch,
  candidates: Float32Array,
  threat: ThreatModel & { readonly minimal?: true },
): Float32Array {
  if (threat.constraints !== undefined) {
    return validRows(clean, candidates, threat.constraints, threat.budget.epsilon);
  }
  const x = finiteOr(clean.x, candidates);
  if (threat.minimal) {
    // The least change is judged where it is; its length says whether it counts.
    const least = ceilFloat32(threat.bounds.min);
    const most = floorFloat32(threat.bounds.max);
    return x.map((value) => Math.min(Math.max(value, least), most));
  }
  ball(clean.x, sizeOf(clean), threat.budget, threat.bounds).project(x);
  return x;
}

/** The figures of a judged attack. */
export function summarise(
  judgement: Judgement,
  clean: Batch,
  facts: {
    readonly samples: number;
    readonly threat: ThreatModel;
    /** Set for attacks that look for the least change. */
    readonly minimal?: boolean;
  },
): Omit<AttackRecord, 'name' | 'queries' | 'seconds' | 'unreliable'> {
  const { budget, constraints } = facts.threat;
  const size = sizeOf(clean);
  const broken = positions(clean.labels.length).filter((row) => judgement.broken[row]);
  const moved = broken.flatMap((row) => {
    const changed = rowOf(judgement.x, row, size);
    return constraints?.distance(changed, rowOf(clean.x, row, size)) ?? [];
  });
  const ranges = median(moved.map((row) => row.ranges));
  const steps = median(moved.map((row) => row.steps));
  const standing = clean.labels.length - broken.length;
  const found = positions(clean.labels.length).filter((row) => judgement.found[row]);
  const least = {
    successRate: share(found.length, clean.labels.length),
    medianDistance: median(found.map((row) => judgement.distances[row] ?? 0)) ?? null,
  };
  return {
    norm: budget.norm,
    epsilon: Number.isFinite(budget.epsilon) ? budget.epsilon : null,
    robustAccuracy: share(standing, facts.samples),
    successRate: share(broken.length, clean.labels.length),
    medianDistance: median(broken.map((row) => judgement.distances[row] ?? 0)) ?? null,
    ...(ranges !== undefined && { medianRanges: ranges }),
    ...(steps !== undefined && { medianSteps: steps }),
    attacked: clean.labels.length,
    ...(facts.minimal && { least }),
  };
}

/** A share that is 0 of nothing. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
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

/**
 * The share of samples that stands at each of some radii, from the distance of the nearest
 * adversarial input of each sample right when clean (infinite where none was found).
 */
export function curveOf(
  distances: readonly number[],
  of: { readonly samples: number; readonly epsilon: number },
): CurvePoint[] {
  const finite = distances.filter(Number.isFinite);
  const furthest = Number.isFinite(of.epsilon) ? of.epsilon : 0;
  const end = finite.reduce((most, value) => Math.max(most, value), furthest);
  return positions(curvePoints + 1).map((k) => {
    const epsilon = k === curvePoints ? end : (end * k) / curvePoints;
    const standing = distances.filter((value) => !(value <= epsilon)).length;
    return { epsilon, robustAccuracy: share(standing, of.samples) };
  });
}

const curvePoints = 32;

/** How each class fares; `standing` and `right` are positions of samples. */
export function classesOf(
  labels: Int32Array,
  names: readonly string[],
  of: { readonly right: ReadonlySet<number>; readonly standing: ReadonlySet<number> },
): ClassRecord[] {
  const rows = positions(labels.length);
  return names.flatMap((name, label) => {
    const own = rows.filter((row) => labels[row] === label);
    if (own.length === 0) return [];
    const clean = share(own.filter((row) => of.right.has(row)).length, own.length);
    const robust = share(own.filter((row) => of.standing.has(row)).length, own.length);
    return [{ name, samples: own.length, clean, robust }];
  });
}
