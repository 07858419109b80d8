/** Errors of the hardening engine. */
import { MerlonError } from '@merlon/core';

/** Codes of hardening errors. */
export type HardenErrorCode = 'invalid-option' | 'invalid-data' | 'bad-guards' | 'diverged';

/** A model cannot be hardened so, or guards are not what they should be. */
export class HardenError extends MerlonError<HardenErrorCode> {}
