/** The public surface of @merlon/harden. */
export { HardenError, type HardenErrorCode } from './error.ts';
// Guards
export {
  applyInputGuards,
  applyOutputGuards,
  type GuardedInput,
  type Refusal,
} from './guard/apply.ts';
export { type DrawOptions, guardedGradients, guardedSession } from './guard/attacked.ts';
export {
  type GuardConfig,
  type InputGuards,
  type OutputGuards,
  parseGuardConfig,
  tightenGuards,
} from './guard/config.ts';
export { type GuardVerdict, type MeasureOptions, measureGuards } from './guard/measure.ts';
// Randomized smoothing
export { fairCoin, shareAtLeast } from './numbers/beta.ts';
export { normalQuantile } from './numbers/normal.ts';
// Shadow models
export { type ShadowRequest, type Shadows, trainShadows } from './shadow/shadows.ts';
export { type CurvePoint, certifyRows, type SmoothCertificate } from './smooth/curve.ts';
export {
  certifyRow,
  type RowCertificate,
  radiusMax,
  type SmoothOptions,
  type SmoothRow,
  smoothedLabel,
} from './smooth/smooth.ts';
// Training
export type { Batch, Rows } from './train/batch.ts';
export { optimizerOf } from './train/optimizer/choose.ts';
export { clip } from './train/optimizer/clip.ts';
export {
  type Optimizer,
  type OptimizerName,
  type OptimizerOptions,
  optimizers,
  type Trained,
} from './train/optimizer/optimizer.ts';
export {
  factorAt,
  linearSchedule,
  parseSchedule,
  type Schedule,
  type SchedulePoint,
} from './train/optimizer/schedule.ts';
// Differential privacy
export { noiseFor, type PrivacySpent } from './train/privacy/plan.ts';
export { type PrivateSteps, rdpEpsilon } from './train/privacy/rdp.ts';
export {
  type CheckpointOption,
  type PrivacyGoal,
  type TrainChoices,
  type TrainingMethod,
  type TrainingProgress,
  type TrainRequest,
  trainingMethods,
} from './train/request.ts';
export { type TrainResult, train } from './train/train.ts';
export type { Figures } from './train/validate.ts';
