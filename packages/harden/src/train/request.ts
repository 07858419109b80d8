/** What adversarial fine-tuning is asked for, checked as a whole before anything runs. */
import type { OnProgress, Random } from '@merlon/core';
import type { Session } from '@merlon/graph';
import { HardenError } from '../error.ts';

/** A training run; every random choice comes from `random`. */
export interface FineTuneRequest {
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** Rows, row-major, and their shape with the number of rows first. */
  readonly x: Float32Array;
  readonly shape: readonly number[];
  /** Class of each row. */
  readonly labels: Int32Array;
  /** L∞ radius of the attack. */
  readonly epsilon: number;
  readonly attackSteps: number;
  readonly stepSize: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Learning rate at the start; falls linearly to a twentieth. */
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly random: Random;
  /** Least and greatest value of every element. */
  readonly bounds: readonly [number, number];
  /** Share of the run over which the radius grows from 0 (collapse is common without it). */
  readonly warmUp: number;
  /** Share of each batch that stays clean. */
  readonly cleanShare: number;
  readonly threads: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Throws `invalid-option` or `invalid-data` with every fault. */
export function checkRequest(request: FineTuneRequest): void {
  const faults: string[] = [];
  const range = (name: keyof FineTuneRequest, min: number, max: number): void => {
    const value = request[name] as number;
    if (!(value >= min && value <= max)) {
      faults.push(`"${name}" expected ${min} to ${max}, got ${value}`);
    }
  };
  range('epsilon', 0, Number.MAX_VALUE);
  range('stepSize', 0, Number.MAX_VALUE);
  range('attackSteps', 1, 10_000);
  range('epochs', 1, 100_000);
  range('batchSize', 1, 1_000_000);
  range('learningRate', 0, 1000);
  range('momentum', 0, 1);
  range('weightDecay', 0, 1);
  range('warmUp', 0, 1);
  range('cleanShare', 0, 1);
  if (faults.length > 0) throw new HardenError('invalid-option', faults.join('; '));
  const rows = request.shape[0] ?? 0;
  const size = request.shape.slice(1).reduce((product, axis) => product * axis, 1);
  if (rows < 1 || rows !== request.labels.length || request.x.length !== rows * size) {
    const got = `[${request.shape.join(', ')}] with ${request.labels.length} labels`;
    throw new HardenError('invalid-data', `rows, shape and labels expected to fit, got ${got}`);
  }
}

/** Throws `invalid-data` or `invalid-option` when the rows do not fit the opened gradient model. */
export function checkFit(
  { shape, labels, batchSize }: FineTuneRequest,
  { inputs, outputs }: Pick<Session, 'inputs' | 'outputs'>,
): void {
  const [fixed = -1, ...row] = inputs[0]?.shape ?? [];
  const own = shape.slice(1);
  if (row.length !== own.length || row.some((size, i) => size >= 0 && size !== own[i])) {
    const got = `rows expected [${row.join(', ')}], got [${own.join(', ')}]`;
    throw new HardenError('invalid-data', got);
  }
  if (fixed >= 0 && (batchSize !== fixed || labels.length % fixed !== 0)) {
    const why = `"batchSize" expected ${fixed}, with as many rows in every batch`;
    throw new HardenError('invalid-option', `${why}, got ${batchSize} of ${labels.length} rows`, {
      hint: 'export the model with an open batch axis',
    });
  }
  const classes = outputs.find(({ name }) => name === 'merlon_scores')?.shape[1] ?? 0;
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    const got = `label ${wrong} expected 0 to ${classes - 1}, got ${labels[wrong]}`;
    throw new HardenError('invalid-data', got);
  }
}
