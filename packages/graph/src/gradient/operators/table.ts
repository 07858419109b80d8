/** Every rule by its operator, and the operators through which no gradient flows. */
import type { GradientRule } from '../builder.ts';
import { activationRules } from './activation.ts';
import { convolutionRules } from './convolution.ts';
import { einsumRules } from './einsum.ts';
import { elementwiseRules } from './elementwise.ts';
import { indexingRules } from './indexing.ts';
import { linearRules } from './linear.ts';
import { normalizeRules } from './normalize.ts';
import { poolingRules } from './pooling.ts';
import { quantizeRules } from './quantize.ts';
import { reduceRules } from './reduce.ts';
import { resizeRules } from './resize.ts';
import { shapeRules } from './shape.ts';

/** Rules by operator of the standard domain. */
export const rules: Readonly<Record<string, GradientRule>> = {
  ...activationRules,
  ...convolutionRules,
  ...einsumRules,
  ...elementwiseRules,
  ...indexingRules,
  ...linearRules,
  ...normalizeRules,
  ...poolingRules,
  ...quantizeRules,
  ...reduceRules,
  ...resizeRules,
  ...shapeRules,
};

/** Operators whose gradient may arrive at any of their outputs. */
export const manyOutputs: ReadonlySet<string> = new Set(['Split']);
