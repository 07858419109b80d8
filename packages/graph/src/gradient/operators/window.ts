/** Windows that slide over the spatial axes, in convolutions and pooling (ONNX, operator Conv). */
import type { OnnxNode } from '../../onnx/model.ts';
import { text } from '../emitter.ts';

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
  const mode = text(forward, 'auto_pad', 'NOTSET');
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
