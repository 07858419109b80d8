/** Composite operators by name, each with the simpler operators that stand for it. */
import type { OnnxNode } from '../../onnx/model.ts';
import { integer } from '../emitter.ts';
import { attentionLowerings, runtimeAttentionLowerings } from './attention.ts';
import { contribLowerings } from './contrib.ts';
import { controlLowerings } from './control.ts';
import { normalizeLowerings, runtimeNormalizeLowerings } from './normalize.ts';
import { poolingLowerings, rowsFirst } from './pooling.ts';
import { quantizedLowerings, runtimeQuantizedLowerings } from './quantized.ts';
import { recurrentLowerings } from './recurrent.ts';
import type { Lowering } from './rewrite.ts';

/** Lowerings by operator of the standard domain. */
export const lowerings: Readonly<Record<string, Lowering>> = {
  ...attentionLowerings,
  ...controlLowerings,
  ...normalizeLowerings,
  ...poolingLowerings,
  ...quantizedLowerings,
  ...recurrentLowerings,
};

/** Lowerings by operator of ONNX Runtime's own domain. */
export const runtimeLowerings: Readonly<Record<string, Lowering>> = {
  ...contribLowerings,
  ...runtimeAttentionLowerings,
  ...runtimeNormalizeLowerings,
  ...runtimeQuantizedLowerings,
};

/** The lowering of a node's operator, or null when it is none. */
export function loweringOf(node: OnnxNode): Lowering | null {
  const { domain, operator } = node;
  if (domain === 'com.microsoft') return runtimeLowerings[operator] ?? null;
  if (domain !== '') return null;
  const byColumns = operator === 'MaxPool' && integer(node, 'storage_order', 0) !== 0;
  if (byColumns && node.outputs.length === 1) return rowsFirst;
  return lowerings[operator] ?? null;
}
