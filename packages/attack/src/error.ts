/** What can keep an attack from running. */
import { MerlonError } from '@merlon/core';

/** Codes of attack faults: what was asked for, the model, the data, or a cancellation. */
export type AttackErrorCode =
  | 'cancelled'
  | 'invalid-data'
  | 'invalid-option'
  | 'unknown-attack'
  | 'unsupported-model';

/** The attack cannot run as asked; nothing was measured. */
export class AttackError extends MerlonError<AttackErrorCode> {}

/** Throws `cancelled` once the signal is aborted. */
export function stopWhenAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AttackError('cancelled', 'the attack was cancelled');
}
