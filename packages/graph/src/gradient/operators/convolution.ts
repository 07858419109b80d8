/** Gradients of convolutions: by the input as a transposed convolution, by the weights as one. */
import { floatsIn, int, ints, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { reduceSum, slice, text } from '../emitter.ts';
import { byTaps } from './taps.ts';
import { leftover, type Window, windowOf } from './window.ts';

/** Rules by operator. */
export const convolutionRules: Readonly<Record<string, GradientRule>> = {
  Conv: convolution,
  ConvTranspose: transposed,
};

interface Given {
  readonly gradient: string;
  readonly window: Window;
  readonly group: number;
}

function groupOf(forward: OnnxNode): number {
  const own = forward.attributes.group;
  return own?.kind === 'int' ? own.value : 1;
}

function convolution(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', weights = '', bias = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  const window = windowOf(forward, context.shape(x).slice(2), context.shape(weights).slice(2));
  const given = { gradient, window, group: groupOf(forward) };
  if (context.wants(x)) context.give(x, byInput(context, forward, given));
  if (context.wants(weights)) {
    context.give(weights, byWeights(context, { image: x, small: y, weights, ...given }));
  }
  if (bias !== '' && context.wants(bias)) context.give(bias, byBias(context, gradient, window));
}

/** The transposed convolution by its input is the convolution, and its weights change sides. */
function transposed(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', weights = '', bias = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  const window = transposedWindow(context, forward);
  const group = groupOf(forward);
  if (context.wants(x)) {
    const attributes = { ...windowAttributes(window), group: int(group) };
    context.give(x, context.emit('Conv', [gradient, weights], attributes));
  }
  if (context.wants(weights)) {
    // Here the gradient is the large image, and the input what was slid over it.
    const sides = { image: y, small: x, weights, gradient: x, window, group };
    context.give(weights, byWeights(context, { ...sides, imageValue: gradient }));
  }
  if (bias !== '' && context.wants(bias)) context.give(bias, byBias(context, gradient, window));
}

/** The window of a transposed convolution; its padding follows from the sizes where it is open. */
function transposedWindow(context: Backward, forward: OnnxNode): Window {
  const [x = '', weights = ''] = forward.inputs;
  const out = context.shape(forward.outputs[0] ?? '').slice(2);
  const kernel = context.shape(weights).slice(2);
  const mode = text(forward, 'auto_pad', 'NOTSET');
  const window = windowOf({ ...forward, attributes: withoutAuto(forward) }, out, kernel);
  const asked = forward.attributes.output_shape !== undefined;
  if (mode === 'VALID' && !asked) {
    return { ...window, pads: window.pads.map(() => 0) };
  }
  if (mode === 'NOTSET' && !asked) return window;
  const extra = forward.attributes.output_padding;
  const totals = context
    .shape(x)
    .slice(2)
    .map((size, i) => {
      const reach = ((kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) + 1;
      const more = extra?.kind === 'ints' ? (extra.value[i] ?? 0) : 0;
      const whole = (size - 1) * (window.strides[i] ?? 1) + more + reach;
      return Math.max(0, whole - (out[i] ?? 0));
    });
  const lower = totals.map((total) => Math.floor(total / 2));
  const upper = totals.map((total) => Math.ceil(total / 2));
  const pads = mode === 'SAME_UPPER' ? [...lower, ...upper] : [...upper, ...lower];
  return { ...window, pads };
}

function withoutAuto(forward: OnnxNode): OnnxNode['attributes'] {
  const { auto_pad: _, ...rest } = forward.attributes;
  return rest;
}

function windowAttributes({ strides, dilations, pads }: Window) {
  return { strides: ints(strides), dilations: ints(dilations), pads: ints(pads) };
}

function byBias(context: Backward, gradient: string, { kernel }: Window): string {
  return reduceSum(context, gradient, [0, ...kernel.map((_, i) => i + 2)], false);
}

/** Above this many input channels a flipped convolution is twice as fast as a transposed one. */
const transposedChannelsMax = 4;

function byInput(context: Backward, forward: OnnxNode, given: Given): string {
  const { gradient, window, group } = given;
  const [x = '', weights = ''] = forward.inputs;
  const [, channels = 0] = context.shape(weights);
  const spatial = context.shape(x).slice(2);
  const plain = group === 1 && window.strides.every((stride) => stride === 1);
  const pads = window.pads.map((pad, i) => {
    const axis = i % spatial.length;
    return ((window.kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1) - pad;
  });
  if (plain && channels > transposedChannelsMax && pads.every((pad) => pad >= 0)) {
    const flipped = flippedWeights(context, weights);
    const attributes = { pads: ints(pads), dilations: ints(window.dilations) };
    return context.emit('Conv', [gradient, flipped], attributes);
  }
  const rest = leftover(window, spatial, context.shape(forward.outputs[0] ?? '').slice(2));
  return context.emit('ConvTranspose', [gradient, weights], {
    ...windowAttributes(window),
    output_padding: ints(rest.map((size) => Math.max(0, size))),
    group: int(group),
  });
}

/** Weights [O, I, …] as [I, O, …] with every spatial axis reversed. */
function flippedWeights(context: Backward, weights: string): string {
  const tensor = context.constant(weights);
  const shape = context.shape(weights);
  const [outs = 0, ins = 0, ...spatial] = shape;
  if (tensor === null) {
    const each = (value: number): string => context.ints(spatial.map(() => value));
    const axes = context.ints(spatial.map((_, i) => i + 2));
    const backwards = [weights, each(-1), each(Number.MIN_SAFE_INTEGER), axes, each(-1)];
    const perm = ints([1, 0, ...spatial.map((_, i) => i + 2)]);
    return context.emit('Transpose', [context.emit('Slice', backwards)], { perm });
  }
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

interface Sides extends Given {
  /** The large side, by the name of the value that has its shape. */
  readonly image: string;
  /** The value itself, where it is not the one that lends its shape. */
  readonly imageValue?: string;
  /** Lends the shape of the gradient. */
  readonly small: string;
  readonly weights: string;
}

/**
 * By places of the kernel where there are channels enough; else batch and channels change places:
 * the gradient becomes the kernel, strides become dilations.
 * Groups stay groups, with the batch inside each.
 */
function byWeights(context: Backward, sides: Sides): string {
  const { window, group } = sides;
  const [, channels = 1, ...spatial] = context.shape(sides.image);
  if (group === 1 && channels > transposedChannelsMax) {
    return byTaps(context, {
      image: sides.imageValue ?? sides.image,
      imageShape: context.shape(sides.image),
      small: sides.gradient,
      smallShape: context.shape(sides.small),
      window,
    });
  }
  const swap = ints([1, 0, ...spatial.map((_, i) => i + 2)]);
  let image = sides.imageValue ?? sides.image;
  if (group === 1) image = context.emit('Transpose', [image], { perm: swap });
  else {
    const apart = context.ints([0, group, channels / group, ...spatial]);
    const perm = ints([2, 1, 0, ...spatial.map((_, i) => i + 3)]);
    const turned = context.emit('Transpose', [context.emit('Reshape', [image, apart])], { perm });
    image = context.emit('Reshape', [turned, context.ints([channels / group, -1, ...spatial])]);
  }
  const kernel = context.emit('Transpose', [sides.gradient], { perm: swap });
  const product = context.emit('Conv', [image, kernel], {
    strides: ints(window.dilations),
    dilations: ints(window.strides),
    pads: ints(window.pads),
    group: int(group),
  });
  const whole = context.emit('Transpose', [product], { perm: swap });
  const rest = leftover(window, spatial, context.shape(sides.small).slice(2));
  // Rows that the strided window never reached would show up as extra taps.
  let out = whole;
  for (const [i, size] of context.shape(sides.weights).slice(2).entries()) {
    if (rest[i] !== 0) out = slice(context, out, { axis: i + 2, start: 0, end: size });
  }
  return out;
}
