/** Gradients of convolutions: by the input as a transposed convolution, by the weights as one. */
import { unsupported } from '../error.ts';
import { floatsIn, int, ints, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, reduceSum } from './builder.ts';

/** Sizes of a window over the spatial axes. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every axis, then end of every axis. */
  readonly pads: readonly number[];
}

/** The window of a convolution or pooling with `auto_pad` resolved. */
export function windowOf(
  forward: OnnxNode,
  spatial: readonly number[],
  kernel: readonly number[],
): Window {
  const list = (name: string, otherwise: number, length: number): readonly number[] => {
    const own = forward.attributes[name];
    return own?.kind === 'ints' ? own.value : Array.from({ length }, () => otherwise);
  };
  const strides = list('strides', 1, spatial.length);
  const dilations = list('dilations', 1, spatial.length);
  const auto = forward.attributes.auto_pad;
  const mode = auto?.kind === 'string' ? new TextDecoder().decode(auto.value) : 'NOTSET';
  if (mode === 'NOTSET' || mode === 'VALID') {
    const pads = mode === 'VALID' ? [] : list('pads', 0, 2 * spatial.length);
    const none = Array.from({ length: 2 * spatial.length }, () => 0);
    return { kernel, strides, dilations, pads: pads.length === 0 ? none : pads };
  }
  const begins: number[] = [];
  const ends: number[] = [];
  for (const [i, size] of spatial.entries()) {
    const stride = strides[i] ?? 1;
    const reach = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
    const less = Math.floor(total / 2);
    begins.push(mode === 'SAME_UPPER' ? less : total - less);
    ends.push(mode === 'SAME_UPPER' ? total - less : less);
  }
  return { kernel, strides, dilations, pads: [...begins, ...ends] };
}

/** Rows of input that a strided window leaves over at the end, for each spatial axis. */
export function leftover(window: Window, spatial: readonly number[], out: readonly number[]) {
  return spatial.map((size, i) => {
    const reach = ((window.kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) + 1;
    const pads = (window.pads[i] ?? 0) + (window.pads[i + spatial.length] ?? 0);
    return size - (((out[i] ?? 1) - 1) * (window.strides[i] ?? 1) - pads + reach);
  });
}

/** Rules by operator. */
export const convolutionRules: Readonly<Record<string, GradientRule>> = { Conv: convolution };

function convolution(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', weights = '', bias = ''] = forward.inputs;
  const shape = context.shape(weights);
  const window = windowOf(forward, context.shape(x).slice(2), shape.slice(2));
  const groups = forward.attributes.group;
  const group = groups?.kind === 'int' ? groups.value : 1;
  if (context.wants(x)) context.give(x, byInput(context, forward, { gradient, window, group }));
  if (context.wants(weights)) {
    if (group !== 1) throw unsupported('Conv', forward.name, 'weights of grouped convolutions');
    context.give(weights, byWeights(context, forward, { gradient, window }));
  }
  if (bias !== '' && context.wants(bias)) {
    const axes = [
      0,
      ...context
        .shape(x)
        .slice(2)
        .map((_, i) => i + 2),
    ];
    context.give(bias, reduceSum(context, gradient, axes, false));
  }
}

interface Given {
  readonly gradient: string;
  readonly window: Window;
}

/** Above this many input channels a flipped convolution is twice as fast as a transposed one. */
const transposedChannelsMax = 4;

function byInput(
  context: Backward,
  forward: OnnxNode,
  { gradient, window, group }: Given & { readonly group: number },
): string {
  const [x = '', weights = ''] = forward.inputs;
  const shape = context.shape(weights);
  const spatial = context.shape(x).slice(2);
  const flipped = flippedWeights(context, weights, { window, group, channels: shape[1] ?? 0 });
  if (flipped !== null) {
    const pads = window.pads.map((pad, i) => {
      const axis = i % spatial.length;
      const reach = ((window.kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1);
      return reach - pad;
    });
    if (pads.every((pad) => pad >= 0)) {
      const dilations = ints(window.dilations);
      return context.emit('Conv', [gradient, flipped], { pads: ints(pads), dilations });
    }
  }
  const rest = leftover(window, spatial, context.shape(forward.outputs[0] ?? '').slice(2));
  return context.emit('ConvTranspose', [gradient, weights], {
    strides: ints(window.strides),
    dilations: ints(window.dilations),
    pads: ints(window.pads),
    output_padding: ints(rest.map((size) => Math.max(0, size))),
    group: int(group),
  });
}

/** Constant weights [O, I, …] as [I, O, …] with every spatial axis reversed; null if unsuited. */
function flippedWeights(
  context: Backward,
  weights: string,
  of: { readonly window: Window; readonly group: number; readonly channels: number },
): string | null {
  const tensor = context.constant(weights);
  const plain = of.group === 1 && of.window.strides.every((stride) => stride === 1);
  if (tensor === null || !plain || of.channels <= transposedChannelsMax) return null;
  const [outs = 0, ins = 0, ...spatial] = tensor.shape;
  const area = spatial.reduce((product, size) => product * size, 1);
  const from = floatsIn(tensor);
  const to = new Float32Array(from.length);
  for (let o = 0; o < outs; o++) {
    for (let i = 0; i < ins; i++) {
      for (let k = 0; k < area; k++) {
        to[(i * outs + o) * area + (area - 1 - k)] = from[(o * ins + i) * area + k] ?? 0;
      }
    }
  }
  return context.floats([ins, outs, ...spatial], to);
}

/** Batch and channels change places: the gradient becomes the kernel, strides become dilations. */
function byWeights(context: Backward, forward: OnnxNode, { gradient, window }: Given): string {
  const [x = '', weights = ''] = forward.inputs;
  const spatial = context.shape(x).slice(2);
  const swap = ints([1, 0, ...spatial.map((_, i) => i + 2)]);
  const rows = context.emit('Transpose', [x], { perm: swap });
  const kernel = context.emit('Transpose', [gradient], { perm: swap });
  const product = context.emit('Conv', [rows, kernel], {
    strides: ints(window.dilations),
    dilations: ints(window.strides),
    pads: ints(window.pads),
  });
  const whole = context.emit('Transpose', [product], { perm: swap });
  const rest = leftover(window, spatial, context.shape(forward.outputs[0] ?? '').slice(2));
  if (rest.every((size) => size === 0)) return whole;
  // Rows that the strided window never reached would show up as extra taps.
  const axes = spatial.map((_, i) => i + 2);
  const starts = context.ints(axes.map(() => 0));
  const ends = context.ints(context.shape(weights).slice(2));
  return context.emit('Slice', [whole, starts, ends, context.ints(axes)]);
}
