/**
 * Randomized smoothing (Cohen, Rosenfeld and Kolter 2019, algorithms PREDICT and CERTIFY): what a
 * classifier says under Gaussian noise most often holds within an L2 radius that can be proven.
 */
import type { Random } from '@merlon/core';
import type { Session, Tensor } from '@merlon/graph';
import { HardenError } from '../error.ts';
import { fairCoin, shareAtLeast } from '../numbers/beta.ts';
import { normalQuantile } from '../numbers/normal.ts';
import { noisy } from './noise.ts';

/** How to smooth. */
export interface SmoothOptions {
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Noisy copies of a row that a statement rests on. */
  readonly n: number;
  /** Copies that choose the class to be certified, before and apart from those. */
  readonly n0: number;
  /** Chance that a statement about a row is wrong. */
  readonly alpha: number;
  /** Copies a run of the model. */
  readonly batchRows: number;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/** A row with the shape that the model takes, without the number of rows. */
export interface SmoothRow {
  readonly x: Float32Array;
  readonly shape: readonly number[];
}

/** What is certain of a row: no input within `radius` (L2) is smoothed to another class. */
export interface RowCertificate {
  /** The class, or null when nothing is certain. */
  readonly label: number | null;
  readonly radius: number;
}

/** Certifies one row; costs n0 + n runs of it. Throws `invalid-option`, `invalid-data`. */
export async function certifyRow(
  session: Session,
  row: SmoothRow,
  options: SmoothOptions,
): Promise<RowCertificate> {
  const { n0, n, alpha, sigma } = options;
  const label = greatest(await countLabels(session, row, { ...options, count: n0 }));
  const counts = await countLabels(session, row, { ...options, count: n });
  const share = shareAtLeast(counts[label] ?? 0, n, alpha);
  if (share <= 0.5) return { label: null, radius: 0 };
  return { label, radius: sigma * normalQuantile(share) };
}

/** The smoothed class of one row, or null when n copies do not settle it; costs n runs. */
export async function smoothedLabel(
  session: Session,
  row: SmoothRow,
  options: Omit<SmoothOptions, 'n0'>,
): Promise<number | null> {
  const counts = await countLabels(session, row, { ...options, count: options.n });
  const first = greatest(counts);
  const second = greatest(counts.map((count, label) => (label === first ? -1 : count)));
  const [most = 0, next = 0] = [counts[first], counts[second]];
  const other = second === first ? 0 : Math.max(0, next);
  return fairCoin(most, most + other) <= options.alpha ? first : null;
}

/** The greatest radius that n copies can prove: when all agree. */
export function radiusMax({
  sigma,
  n,
  alpha,
}: Pick<SmoothOptions, 'sigma' | 'n' | 'alpha'>): number {
  return sigma * normalQuantile(shareAtLeast(n, n, alpha));
}

/** Throws `invalid-option` with every fault. */
export function checkSmoothing(options: Omit<SmoothOptions, 'random' | 'signal'>): void {
  const faults: string[] = [];
  const within = (name: keyof typeof options, min: number, max: number, whole: boolean): void => {
    const value = options[name];
    const fits = value >= min && value <= max && (!whole || Number.isInteger(value));
    const what = whole ? 'a whole number from ' : '';
    if (!fits) faults.push(`"${name}" expected ${what}${min} to ${max}, got ${value}`);
  };
  within('sigma', 1e-12, 1e12, false);
  within('alpha', 1e-15, 0.5, false);
  within('n', 1, 1e9, true);
  within('n0', 1, 1e9, true);
  within('batchRows', 1, 1e6, true);
  if (faults.length === 0) return;
  throw new HardenError('invalid-option', faults.join('; '), {
    hint: 'begin with sigma 0.25, n 10000, n0 100 and alpha 0.001',
  });
}

/** How often each class comes out of noisy copies. */
async function countLabels(
  session: Session,
  row: SmoothRow,
  of: Omit<SmoothOptions, 'n' | 'n0'> & { readonly count: number },
): Promise<number[]> {
  const { count, batchRows, sigma, random, signal } = of;
  const input = session.inputs[0]?.name ?? '';
  const [fixed = -1] = session.inputs[0]?.shape ?? [];
  const counts: number[] = [];
  for (let done = 0; done < count; done += batchRows) {
    signal?.throwIfAborted();
    const wanted = Math.min(batchRows, count - done);
    // A model of a fixed number of rows is given whole batches, of which the rest is not counted.
    const rows = fixed > 0 ? fixed : wanted;
    const copies = new Float32Array(rows * row.x.length);
    for (let i = 0; i < rows; i++) copies.set(row.x, i * row.x.length);
    const data = noisy(copies, sigma, random);
    const out = await session.run({
      [input]: { type: 'float32', shape: [rows, ...row.shape], data },
    });
    countIn(counts, scoresIn(session, out, rows), wanted);
  }
  return counts;
}

function countIn(counts: number[], { data, classes }: Scores, rows: number): void {
  while (counts.length < classes) counts.push(0);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if ((data[row * classes + k] ?? 0) > (data[row * classes + best] ?? 0)) best = k;
    }
    counts[best] = (counts[best] ?? 0) + 1;
  }
}

interface Scores {
  readonly data: Float32Array;
  readonly classes: number;
}

/** The first output of float32 [N, K]. */
function scoresIn(
  { outputs }: Session,
  out: Readonly<Record<string, Tensor>>,
  rows: number,
): Scores {
  for (const { name } of outputs) {
    const value = out[name];
    if (value?.type !== 'float32' || !(value.data instanceof Float32Array)) continue;
    const [count, classes = 0] = value.shape;
    if (value.shape.length !== 2 || count !== rows || classes < 2) continue;
    if (value.data.some(Number.isNaN)) {
      throw new HardenError('invalid-data', 'the model gave scores that are no numbers');
    }
    return { data: value.data, classes };
  }
  throw new HardenError('invalid-data', `expected scores of float32 [${rows}, classes]`, {
    hint: 'smoothing needs a classifier',
  });
}

function greatest(counts: readonly number[]): number {
  let best = 0;
  for (const [label, count] of counts.entries()) if (count > (counts[best] ?? 0)) best = label;
  return best;
}
