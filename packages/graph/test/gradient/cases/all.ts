/** Cases of every operator that has a rule or is lowered to such. */
import type { OperatorCase } from '../models.ts';
import { attentionCases } from './attention.ts';
import { controlCases } from './control.ts';
import { convolutionCases } from './convolution.ts';
import { elementwiseCases } from './elementwise.ts';
import { indexingCases } from './indexing.ts';
import { linearCases } from './linear.ts';
import { moveCases } from './move.ts';
import { normalizeCases } from './normalize.ts';
import { poolingCases } from './pooling.ts';
import { recurrentCases } from './recurrent.ts';
import { reduceCases } from './reduce.ts';
import { regionCases } from './regions.ts';
import { resizeCases } from './resize.ts';
import { samplingCases } from './sampling.ts';
import { shapeCases } from './shape.ts';

/** Every case; the head after it is a Gemm in each. */
export const cases: readonly OperatorCase[] = [
  ...convolutionCases,
  ...elementwiseCases,
  ...poolingCases,
  ...samplingCases,
  ...shapeCases,
  ...attentionCases,
  ...controlCases,
  ...normalizeCases,
  ...recurrentCases,
  ...indexingCases,
  ...linearCases,
  ...moveCases,
  ...reduceCases,
  ...regionCases,
  ...resizeCases,
];
