/** The public surface of @merlon/harden. */
export { HardenError, type HardenErrorCode } from './error.ts';
// Guards
export {
  applyInputGuards,
  applyOutputGuards,
  type GuardedInput,
  type Refusal,
} from './guard/apply.ts';
export {
  type GuardConfig,
  type InputGuards,
  type OutputGuards,
  parseGuardConfig,
  tightenGuards,
} from './guard/config.ts';
// Training
export { adversarialFineTune, type FineTuneResult } from './train/fine-tune.ts';
export type { FineTuneRequest } from './train/request.ts';
export { type MomentumOptions, type MomentumState, momentumStep } from './train/sgd.ts';
