/** Fourier transforms of known length as products with constant matrices; they are linear. */
import { unsupported } from '../../error.ts';
import { floatsIn, ints, type OnnxNode } from '../../onnx/model.ts';
import { fromFront, integer, listOf, reshape, sizesOf, slice, transpose } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const spectralLowerings: Readonly<Record<string, Lowering>> = {
  DFT: discrete,
  STFT: shortTime,
};

/** Matrices and kernels may hold as many elements. */
const elementsMax = 1 << 24;

/** X[k] = Σ x[n] e^(−2πi nk / N); the inverse turns the other way and divides by N. */
function discrete(context: Lower, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  const shape = context.shape(x);
  const rank = shape.length;
  const modern = context.opset >= 20;
  const told = modern ? (listOf(context, forward, 2)?.[0] ?? -2) : integer(forward, 'axis', 1);
  const axis = fromFront(told, rank);
  const own = shape[axis] ?? 1;
  const parts = shape.at(-1) ?? 1;
  const length = numberOfRows(context, forward) ?? own;
  const inverse = integer(forward, 'inverse', 0) === 1;
  const onesided = integer(forward, 'onesided', 0) === 1;
  if (context.rows(x, axis) || (inverse && onesided) || parts > 2) {
    throw unsupported('DFT', forward.name, 'its length is not known, or it is a real inverse');
  }
  const used = Math.min(own, length);
  const bins = onesided ? Math.floor(length / 2) + 1 : length;
  refuseLarge(forward, used * parts * bins * 2);
  const cut = used === own ? x : slice(context, x, { axis, start: 0, end: used });
  const others = [...shape.keys()].filter((each) => each !== axis && each !== rank - 1);
  const perm = [...others, axis, rank - 1];
  const sizes = sizesOf(context, x);
  const kept = others.map((each) => sizes[each] ?? 1);
  const rows = reshape(context, transpose(context, cut, perm), [...kept, used * parts]);
  const turn = { used, parts, bins, length, sign: inverse ? 1 : -1 };
  const matrix = context.floats([used * parts, bins * 2], turns(turn));
  const whole = reshape(context, context.emit('MatMul', [rows, matrix]), [...kept, bins, 2]);
  const back = perm.map((_, at) => perm.indexOf(at));
  context.output(forward, 0, transpose(context, whole, back));
}

function numberOfRows(context: Lower, forward: OnnxNode): number | null {
  const asked = forward.inputs[1] ?? '';
  if (asked === '') return null;
  const length = listOf(context, forward, 1)?.[0];
  if (length !== undefined) return length;
  throw unsupported('DFT', forward.name, 'its length is computed');
}

/** What each real (and imaginary) element adds to the real and imaginary part of each bin. */
function turns(of: {
  readonly used: number;
  readonly parts: number;
  readonly bins: number;
  readonly length: number;
  readonly sign: number;
}): Float32Array {
  const { used, parts, bins, length, sign } = of;
  const out = new Float32Array(used * parts * bins * 2);
  const scale = sign > 0 ? 1 / length : 1;
  for (let n = 0; n < used; n++) {
    for (let k = 0; k < bins; k++) {
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      const [real, imaginary] = [scale * Math.cos(angle), scale * sign * Math.sin(angle)];
      const at = (n * parts * bins + k) * 2;
      out[at] = real;
      out[at + 1] = imaginary;
      if (parts === 1) continue;
      out[at + bins * 2] = -imaginary;
      out[at + bins * 2 + 1] = real;
    }
  }
  return out;
}

/** A windowed transform of every frame: one convolution with a filter a bin and part. */
function shortTime(context: Lower, forward: OnnxNode): void {
  const [x = '', , window = '', asked = ''] = forward.inputs;
  const shape = context.shape(x);
  const step = listOf(context, forward, 1)?.[0];
  const weights = window === '' ? null : context.constant(window);
  const length = asked === '' ? context.shape(window)[0] : listOf(context, forward, 3)?.[0];
  const complex = shape.length === 3 && shape[2] === 2;
  const lost = window !== '' && weights === null;
  if (step === undefined || length === undefined || complex || lost) {
    throw unsupported('STFT', forward.name, 'its frames or its window are computed');
  }
  const onesided = integer(forward, 'onesided', 1) === 1;
  const bins = onesided ? Math.floor(length / 2) + 1 : length;
  refuseLarge(forward, length * bins * 2);
  const matrix = turns({ used: length, parts: 1, bins, length, sign: -1 });
  const shares = weights === null ? null : floatsIn(weights);
  const filters = new Float32Array(matrix.length);
  for (let n = 0; n < length; n++) {
    for (let each = 0; each < bins * 2; each++) {
      const share = shares === null ? 1 : (shares[n] ?? 0);
      filters[each * length + n] = share * (matrix[n * bins * 2 + each] ?? 0);
    }
  }
  const [rows = 1, samples = 1] = sizesOf(context, x);
  const signal = reshape(context, x, [rows, 1, samples]);
  const kernel = context.floats([bins * 2, 1, length], filters);
  const found = context.emit('Conv', [signal, kernel], { strides: ints([step]) });
  const turned = transpose(context, found, [0, 2, 1]);
  const frames = context.shape(forward.outputs[0] ?? '')[1] ?? 1;
  context.output(forward, 0, reshape(context, turned, [rows, frames, bins, 2]));
}

function refuseLarge(forward: OnnxNode, elements: number): void {
  if (elements <= elementsMax) return;
  const message = `it would be a matrix of ${elements} elements`;
  throw unsupported(forward.operator, forward.name, message);
}
