/** Composite operators by name, each with the simpler operators that stand for it. */
import type { OnnxNode } from '../../onnx/model.ts';
import { integer } from '../emitter.ts';
import { attentionLowerings, runtimeAttentionLowerings } from './attention.ts';
import { cacheLowerings } from './cache.ts';
import { classicLowerings, lossLowerings } from './classic.ts';
import { contribLowerings } from './contrib.ts';
import { controlLowerings } from './control.ts';
import { normalizeLowerings, runtimeNormalizeLowerings } from './normalize.ts';
import { poolingLowerings, rowsFirst } from './pooling.ts';
import { quantizedLowerings, runtimeQuantizedLowerings } from './quantized.ts';
import { recurrentLowerings } from './recurrent.ts';
import { regionLowerings } from './regions.ts';
import type { Lowering } from './rewrite.ts';
import { samplingLowerings } from './sampling.ts';
import { spectralLowerings } from './spectral.ts';

/** Lowerings by operator of the standard domain. */
const lowerings: Readonly<Record<string, Lowering>> = {
  ...attentionLowerings,
  ...cacheLowerings,
  ...controlLowerings,
  ...lossLowerings,
  ...normalizeLowerings,
  ...poolingLowerings,
  ...quantizedLowerings,
  ...recurrentLowerings,
  ...regionLowerings,
  ...samplingLowerings,
  ...spectralLowerings,
};

/** Lowerings by operator of ONNX Runtime's own domain. */
const runtimeLowerings: Readonly<Record<string, Lowering>> = {
  ...contribLowerings,
  ...runtimeAttentionLowerings,
  ...runtimeNormalizeLowerings,
  ...runtimeQuantizedLowerings,
};

/** Lowerings by domain. */
export const loweringsByDomain: Readonly<Record<string, Readonly<Record<string, Lowering>>>> = {
  '': lowerings,
  'ai.onnx.ml': classicLowerings,
  'com.microsoft': runtimeLowerings,
};

/** The lowering of a node's operator, or null when it is none. */
export function loweringOf(node: OnnxNode): Lowering | null {
  const { domain, operator } = node;
  const byColumns = operator === 'MaxPool' && integer(node, 'storage_order', 0) !== 0;
  if (domain === '' && byColumns && node.outputs.length === 1) return rowsFirst;
  return loweringsByDomain[domain]?.[operator] ?? null;
}
