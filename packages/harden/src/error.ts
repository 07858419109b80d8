/** Errors of the hardening engine. */
import { MerlonError } from '@merlon/core';

/** Codes of hardening errors; `other-run` is a sound checkpoint of other settings. */
export type HardenErrorCode =
  | 'invalid-option'
  | 'invalid-data'
  | 'bad-guards'
  | 'bad-checkpoint'
  | 'other-run'
  | 'diverged';

/** A model cannot be hardened so, or guards or a checkpoint are not what they should be. */
export class HardenError extends MerlonError<HardenErrorCode> {}
