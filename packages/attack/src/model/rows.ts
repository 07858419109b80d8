/** Feeding rows to a session in batches, and reading its answers back as plain arrays. */
import type { Tensor, ValueInfo } from '@merlon/graph';
import { AttackError, stopWhenAborted } from '../error.ts';

/** A run's worth of rows. */
export interface Part {
  /** The input tensor, padded where the model takes a fixed number of rows. */
  readonly tensor: Tensor;
  /** Position of the first row. */
  readonly start: number;
  /** Rows that were asked for. */
  readonly rows: number;
  /** Rows that the model is shown. */
  readonly shown: number;
}

/** How rows are laid out and cut. */
export interface RowLayout {
  readonly shape: readonly number[];
  readonly batchRows: number;
  /** Set when the model takes exactly this many rows a run. */
  readonly fixedRows?: number;
  readonly signal?: AbortSignal;
}

/** Cuts rows into runs; stops with `cancelled` between two runs. */
export function* inParts(x: Float32Array, layout: RowLayout): Generator<Part> {
  const size = layout.shape.reduce((product, axis) => product * axis, 1);
  const total = x.length / size;
  if (!Number.isInteger(total)) {
    throw new AttackError('invalid-data', `rows expected ${size} elements each, got ${x.length}`);
  }
  const step = layout.fixedRows ?? layout.batchRows;
  for (let start = 0; start < total; start += step) {
    stopWhenAborted(layout.signal);
    const rows = Math.min(step, total - start);
    const shown = layout.fixedRows ?? rows;
    let data = x.subarray(start * size, (start + rows) * size);
    if (shown > rows) {
      const padded = new Float32Array(shown * size);
      padded.set(data);
      data = padded;
    }
    yield {
      tensor: { type: 'float32', shape: [shown, ...layout.shape], data },
      start,
      rows,
      shown,
    };
  }
}

/** The position of the greatest score of each row; −1 where one is not a number. */
export function argmax(scores: Float32Array, classes: number): Int32Array {
  const best = new Int32Array(scores.length / classes);
  for (let row = 0; row < best.length; row++) {
    let highest = Number.NEGATIVE_INFINITY;
    let at = -1;
    for (let k = 0; k < classes; k++) {
      const score = scores[row * classes + k] ?? Number.NaN;
      if (Number.isNaN(score)) {
        at = -1;
        break;
      }
      if (score > highest || at < 0) {
        highest = score;
        at = k;
      }
    }
    best[row] = at;
  }
  return best;
}

/** A floating answer's first `rows` rows. */
export function floatsOf(answer: Tensor | undefined, name: string, rows: number): Float32Array {
  const data = answer?.data;
  const shown = answer?.shape[0] ?? 0;
  if (answer === undefined || shown < rows) throw badAnswer(name, answer);
  const wanted = (elementsOf(answer) / shown) * rows;
  if (data instanceof Float32Array) return data.subarray(0, wanted);
  if (data instanceof Float64Array) return Float32Array.from(data.subarray(0, wanted));
  throw badAnswer(name, answer);
}

/** An integer answer's first `rows` elements. */
export function integersOf(answer: Tensor | undefined, name: string, rows: number): Int32Array {
  const data = answer?.data;
  if (data instanceof BigInt64Array && data.length >= rows) {
    return Int32Array.from(data.subarray(0, rows), Number);
  }
  if (data instanceof Int32Array && data.length >= rows) return data.slice(0, rows);
  throw badAnswer(name, answer);
}

/** The only input of a model; throws `unsupported-model` unless it is one float32 tensor. */
export function onlyInput(inputs: readonly ValueInfo[]): ValueInfo {
  const [input, ...others] = inputs;
  if (input !== undefined && others.length === 0 && input.type === 'float32') return input;
  const got = inputs.map(({ name, type }) => `"${name}" ${type}`).join(', ') || 'none';
  throw new AttackError('unsupported-model', `model expected one float32 input, got ${got}`);
}

/** Shape of one row of an input; throws `unsupported-model` when it is open or does not fit. */
export function rowShape(input: ValueInfo, given?: readonly number[]): readonly number[] {
  const own = input.shape.slice(1);
  const shape = given ?? own;
  const fits = own.length === shape.length && own.every((axis, i) => axis < 0 || axis === shape[i]);
  if (fits && shape.every((axis) => axis > 0)) return shape;
  const wanted = `[${own.map((axis) => (axis < 0 ? '?' : axis)).join(', ')}]`;
  const got = given === undefined ? 'no data to tell the open axis' : `[${shape.join(', ')}]`;
  const message = `input "${input.name}" expected rows of shape ${wanted}, got ${got}`;
  throw new AttackError('unsupported-model', message, {
    hint: 'Give data of the shape that the model takes.',
  });
}

function elementsOf(tensor: Tensor): number {
  return tensor.shape.reduce((product, axis) => product * axis, 1);
}

function badAnswer(name: string, answer: Tensor | undefined): AttackError {
  const got = answer === undefined ? 'nothing' : `${answer.type} [${answer.shape.join(', ')}]`;
  return new AttackError('unsupported-model', `output "${name}" has no row for each input: ${got}`);
}
