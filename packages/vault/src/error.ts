/** Errors of the vault: one class, a closed union of codes. */
import { MerlonError } from '@merlon/core';

/**
 * What can go wrong. `cannot-open` covers wrong key, wrong MAC, cut and changed alike, so that
 * nobody learns which half failed.
 */
export type VaultErrorCode =
  | 'cannot-open'
  | 'bad-recipient'
  | 'bad-identity'
  | 'bad-key'
  | 'bad-share'
  | 'provider-unavailable'
  | 'bad-passphrase'
  | 'bad-parameters'
  | 'bad-manifest'
  | 'bad-note'
  | 'bad-checkpoint'
  | 'bad-proof'
  | 'bad-tile';

/** The vault refused; nothing was written and no clear byte was given out unchecked. */
export class VaultError extends MerlonError<VaultErrorCode> {}

/** The one error for everything that does not open. */
export function cannotOpen(cause?: unknown): VaultError {
  return new VaultError('cannot-open', 'cannot open: wrong key, or the data was cut or changed', {
    hint: 'check that this is the right identity and that the file arrived whole',
    cause,
  });
}
