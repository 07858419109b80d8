/** Errors of the access engine. */
import { MerlonError } from '@merlon/core';

/** Codes of access errors. */
export type AccessErrorCode = 'bad-policy' | 'decision-failed';

/** The engine could not decide; callers must treat it as a refusal. */
export class AccessError extends MerlonError<AccessErrorCode> {}
