/** Resampling along one axis as a matrix [out, in] (operator Resize, opsets 11 to 19). */

/** How one axis is resampled. */
export interface Resampling {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly mode: 'nearest' | 'linear' | 'cubic';
  /** How places of the output lie over the input. */
  readonly transformation: string;
  /** Which neighbour of two is the nearest. */
  readonly nearest: string;
  readonly cubicFactor: number;
  readonly excludesOutside: boolean;
  readonly antialias: boolean;
  /** Begin and end of the region of interest, as shares of the axis. */
  readonly region: readonly [number, number];
}

/** The matrix, row by row; rows of places outside of the region of interest are zero. */
export function resamplingMatrix(of: Resampling): Float32Array {
  const matrix = new Float32Array(of.to * of.from);
  for (let row = 0; row < of.to; row++) {
    const place = original(row, of);
    const outside = place < 0 || place > of.from - 1;
    if (of.transformation === 'tf_crop_and_resize' && outside) continue;
    const taps = tapsAt(place, of);
    const inside = taps.filter(({ at }) => at >= 0 && at < of.from);
    const whole = (of.excludesOutside ? inside : taps).reduce((sum, { weight }) => sum + weight, 0);
    for (const { at, weight } of of.excludesOutside ? inside : taps) {
      const column = Math.min(of.from - 1, Math.max(0, at));
      const index = row * of.from + column;
      matrix[index] = (matrix[index] ?? 0) + weight / (of.excludesOutside ? whole : 1);
    }
  }
  return matrix;
}

/**
 * The place of the input, as a fraction, that a place of the output lies over; in float32, since
 * the runtime rounds the same way.
 */
function original(row: number, of: Resampling): number {
  const { from, to } = of;
  const { fround } = Math;
  const scale = fround(of.scale);
  const half = fround(fround((row + 0.5) / scale) - 0.5);
  switch (of.transformation) {
    case 'asymmetric':
      return fround(row / scale);
    case 'align_corners':
      return to === 1 ? 0 : fround((row * (from - 1)) / (to - 1));
    case 'pytorch_half_pixel':
      return to > 1 ? half : 0;
    case 'tf_half_pixel_for_nn':
      return fround((row + 0.5) / scale);
    case 'half_pixel_symmetric':
      return fround((from / 2) * (1 - to / (scale * from)) + half);
    case 'tf_crop_and_resize': {
      const [begin, end] = of.region;
      if (to <= 1) return fround(0.5 * (begin + end) * (from - 1));
      return fround(begin * (from - 1) + (row * (end - begin) * (from - 1)) / (to - 1));
    }
    default:
      return half;
  }
}

interface Tap {
  readonly at: number;
  readonly weight: number;
}

function tapsAt(place: number, of: Resampling): readonly Tap[] {
  if (of.mode === 'nearest') return [{ at: nearestAt(place, of.nearest), weight: 1 }];
  const narrow = of.antialias && of.scale < 1;
  if (narrow) return filtered(place, of);
  const low = Math.floor(place);
  const share = place - low;
  if (of.mode === 'linear') {
    return [
      { at: low, weight: 1 - share },
      { at: low + 1, weight: share },
    ];
  }
  return [-1, 0, 1, 2].map((step) => {
    return { at: low + step, weight: cubic(share - step, of.cubicFactor) };
  });
}

/** A filter as wide as the places of the output lie apart. */
function filtered(place: number, of: Resampling): readonly Tap[] {
  const reach = (of.mode === 'linear' ? 1 : 2) / of.scale;
  const taps: Tap[] = [];
  for (let at = Math.ceil(place - reach); at <= Math.floor(place + reach); at++) {
    const far = (at - place) * of.scale;
    const weight =
      of.mode === 'linear' ? Math.max(0, 1 - Math.abs(far)) : cubic(far, of.cubicFactor);
    taps.push({ at, weight });
  }
  const whole = taps.reduce((sum, { weight }) => sum + weight, 0);
  return taps.map(({ at, weight }) => ({ at, weight: weight / whole }));
}

function nearestAt(place: number, how: string): number {
  switch (how) {
    case 'floor':
      return Math.floor(place);
    case 'ceil':
      return Math.ceil(place);
    case 'round_prefer_ceil':
      return Math.floor(place + 0.5);
    default:
      return Math.ceil(place - 0.5);
  }
}

/** Keys 1981, equation 4, with the factor in place of −1/2. */
function cubic(far: number, factor: number): number {
  const x = Math.abs(far);
  if (x <= 1) return ((factor + 2) * x - (factor + 3)) * x * x + 1;
  if (x < 2) return ((factor * x - 5 * factor) * x + 8 * factor) * x - 4 * factor;
  return 0;
}
