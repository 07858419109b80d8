/**
 * What a row of the table of attacks is: its name and source, what it asks of the model, and the
 * function that turns a batch into candidates.
 */
import type { Random } from '@merlon/core';
import type { Batch } from './batch.ts';
import { AttackError } from './error.ts';
import type { Classifier, DifferentiableClassifier } from './model/classifier.ts';
import type { Pool } from './tabular/starts.ts';
import type { L2, Linf, Norm } from './threat.ts';
import type { ThreatModel } from './verdict.ts';

/** Names of the ready-made selections of attacks. */
export type Suite =
  | 'fast'
  | 'standard'
  | 'autoattack'
  | 'autoattack-plus'
  | 'autoattack-rand'
  | 'minimal'
  | 'scores'
  | 'decision'
  | 'tabular';

/** What a suite asks of one of its attacks beyond its defaults. */
export interface AttackSettings {
  /** Runs from different starts. */
  readonly restarts?: number;
  /** Gradients averaged at each point, for models that answer at random. */
  readonly averaged?: number;
  /** Other classes aimed at. */
  readonly targetClasses?: number;
  /** Most queries for a row, where the attack is one that counts them. */
  readonly queriesMax?: number;
  /** Minimal attacks stop at a row once its change is within the radius. */
  readonly untilWithin?: boolean;
}

/** What an attack is given. */
export interface AttackJob {
  readonly model: Classifier;
  /** Present when the attack needs gradients. */
  readonly gradients?: DifferentiableClassifier;
  /** Samples that the model gets right. */
  readonly batch: Batch;
  readonly threat: ThreatModel;
  readonly pool: Pool;
  readonly random: Random;
  readonly settings: AttackSettings;
  readonly signal?: AbortSignal;
  readonly onDone: (done: number, total: number) => void;
}

/** What an attack hands to the judge. */
export interface Candidates {
  /** One candidate for each row. */
  readonly x: Float32Array;
  /** Why a failure of this attack says little, when there is a sign of that. */
  readonly unreliable?: string;
  /** What was done otherwise than asked, and why. */
  readonly remark?: string;
}

/** A row of the table. */
export interface AttackRow {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  /** Where it was published. */
  readonly source: string;
  /** What it asks of the model: gradients of the loss, scores, or decisions only. */
  readonly needs: 'gradients' | 'scores' | 'decisions';
  /** `dense`: images and other tensors in bounds; `table`: rows under a schema. */
  readonly data: 'dense' | 'table';
  readonly norms: readonly Norm[];
  readonly suites: readonly Suite[];
  /** Looks for the least change: its candidates may lie beyond the radius, and give a curve. */
  readonly minimal?: true;
  /** Needs all samples at once, since its change is one for all of them. */
  readonly whole?: true;
  run(job: AttackJob): Promise<Candidates>;
}

/** The gradients of the model; throws `unsupported-model` when there are none. */
export function gradientsOf(job: AttackJob): DifferentiableClassifier {
  if (job.gradients !== undefined) return job.gradients;
  throw new AttackError('unsupported-model', 'the attack needs gradients of the model');
}

/** What most attacks on tensors take from a job. */
export function commonOf(job: AttackJob) {
  const { budget, bounds, criterion } = job.threat;
  const { random, signal } = job;
  return { budget, bounds, criterion, random, ...(signal && { signal }) };
}

/** The radius of an attack on tensors; throws `invalid-option` for other norms. */
export function denseBudget(job: AttackJob): Linf | L2 {
  const { budget } = job.threat;
  if (budget.norm === 'linf' || budget.norm === 'l2') return budget;
  throw wrongNorm('"linf" or "l2"', budget.norm);
}

/** The error of an attack that does not know a norm. */
export function wrongNorm(expected: string, got: Norm): AttackError {
  return new AttackError('invalid-option', `"norm" expected ${expected}, got "${got}"`);
}
