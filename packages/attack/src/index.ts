/** The public surface of @merlon/attack. */
export type { Batch } from './batch.ts';
export { type HopSkipJumpOptions, hopSkipJump } from './decision/hop-skip-jump.ts';
export { type NoiseOptions, noise } from './decision/noise.ts';
export { type SquareOptions, square } from './decision/square.ts';
export { AttackError, type AttackErrorCode } from './error.ts';
export type { Example } from './example.ts';
export { type FgsmOptions, fgsm } from './gradient/fgsm.ts';
export { type PgdOptions, type PgdResult, pgd } from './gradient/pgd.ts';
export {
  type Classifier,
  type ClassifierOptions,
  classifier,
  type DifferentiableClassifier,
  differentiable,
  type LossGradient,
  type Scores,
} from './model/classifier.ts';
export {
  type ExamplePictures,
  examplePictures,
  type PictureOptions,
  picture,
} from './picture.ts';
export type { AttackJob, AttackRow, Candidates, Suite } from './row.ts';
export { type AttackTarget, type RunOptions, type RunResult, runAttacks } from './run.ts';
export { attackNamed, attacksOf, attackTable, suites } from './table.ts';
export {
  type Constraints,
  constraintsOf,
  type RowDistance,
  refuseBrokenRows,
} from './tabular/constraints.ts';
export { type FeatureSearchOptions, featureSearch } from './tabular/search.ts';
export type { Pool } from './tabular/starts.ts';
export {
  type Bounds,
  type Budget,
  bounds,
  type Criterion,
  distance,
  isSuccess,
  type L0,
  type L2,
  type Linf,
  l0,
  l2,
  linf,
  type Norm,
  parseEpsilon,
  targeted,
  untargeted,
} from './threat.ts';
export { compileForest, type Forest } from './tree/forest.ts';
export { type LeafTupleOptions, leafTuple } from './tree/leaf-tuple.ts';
export type { MeasureName } from './tree/measure.ts';
export {
  type AttackRecord,
  type AttackVerdict,
  type Judgement,
  judge,
  summarise,
  type ThreatModel,
} from './verdict.ts';
