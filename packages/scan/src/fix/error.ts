/** Why something cannot be repaired. */
import { MerlonError } from '@merlon/core';

/** `broken`: the file; `refused`: what it holds; `unsupported`: what is not done here. */
export type FixErrorCode = 'broken' | 'refused' | 'unsupported';

/** A file that cannot be repaired. */
export class FixError extends MerlonError<FixErrorCode> {}

/** The file cannot be read as what it is. */
export function brokenFile(why: string): FixError {
  return new FixError('broken', `the file cannot be read: ${why}`, {
    hint: 'fetch it again; what is cut or contradicts itself is not repaired by guessing',
  });
}
