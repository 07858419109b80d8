/** The certificate of a model over data: how many rows are right for certain, by radius. */
import type { OnProgress } from '@merlon/core';
import type { Session } from '@merlon/graph';
import { HardenError } from '../error.ts';
import { type Batch, part } from '../train/batch.ts';
import { certifyRow, checkSmoothing, radiusMax, type SmoothOptions } from './smooth.ts';

/** A share of rows that are right and certain within a radius (L2). */
export interface CurvePoint {
  readonly radius: number;
  readonly certifiedAccuracy: number;
}

/** A certificate. */
export interface SmoothCertificate {
  readonly sigma: number;
  readonly n: number;
  readonly n0: number;
  readonly alpha: number;
  readonly samples: number;
  readonly curve: readonly CurvePoint[];
  /** Mean radius, 0 for rows that are not right for certain (Zhai et al. 2020). */
  readonly meanRadius: number;
  /** Share of rows about which nothing is certain. */
  readonly abstained: number;
}

/**
 * Certifies rows one after the other; repeats exactly from its seed. Throws `invalid-option`,
 * `invalid-data` and the signal's reason.
 */
export async function certifyRows(
  session: Session,
  rows: Batch,
  options: SmoothOptions & { readonly onProgress?: OnProgress },
): Promise<SmoothCertificate> {
  const [fixed = -1, ...wanted] = session.inputs[0]?.shape ?? [];
  const batchRows = fixed > 0 ? fixed : options.batchRows;
  checkSmoothing({ ...options, batchRows });
  const shape = rows.shape.slice(1);
  if (wanted.length !== shape.length || wanted.some((size, i) => size > 0 && size !== shape[i])) {
    const got = `rows expected [${wanted.join(', ')}], got [${shape.join(', ')}]`;
    throw new HardenError('invalid-data', got, {
      hint: 'give data in the shape that the model takes',
    });
  }
  const { sigma, n, n0, alpha, random, onProgress } = options;
  const radii: number[] = [];
  let abstained = 0;
  for (const [row, label] of rows.labels.entries()) {
    const { x } = part(rows, row, row + 1);
    // Each row has noise of its own, whatever the number of rows.
    const own = { ...options, batchRows, random: random.fork(`row ${row}`) };
    const found = await certifyRow(session, { x, shape }, own);
    if (found.label === null) abstained++;
    radii.push(found.label === label ? found.radius : -1);
    const right = radii.filter((radius) => radius >= 0).length;
    const note = `${((100 * right) / radii.length).toFixed(1)} % right for certain`;
    onProgress?.({ label: 'certifying', done: radii.length, total: rows.labels.length, note });
  }
  const samples = radii.length;
  const curve = radiiUpTo(radiusMax(options)).map((radius) => {
    const certified = radii.filter((each) => each >= radius).length;
    return { radius, certifiedAccuracy: certified / samples };
  });
  const meanRadius = radii.reduce((sum, radius) => sum + Math.max(0, radius), 0) / samples;
  return { sigma, n, n0, alpha, samples, curve, meanRadius, abstained: abstained / samples };
}

/** Round radii from 0, four to forty, quarters of the power of ten below the greatest. */
function radiiUpTo(most: number): number[] {
  // Written as a quotient, so that the radii are the nearest doubles to their decimals.
  const scale = 4 * 10 ** -Math.floor(Math.log10(most));
  return Array.from({ length: Math.floor(most * scale) + 1 }, (_, i) => i / scale);
}
