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

/** Which half failed: for whoever keeps the files, never for whoever asked. */
export type OpenFault = 'wrong-key' | 'damaged';

const faults = new WeakMap<Error, OpenFault>();

/** The one error for everything that does not open. */
export function cannotOpen(cause?: unknown, fault: OpenFault = 'damaged'): VaultError {
  const error = new VaultError(
    'cannot-open',
    'cannot open: wrong key, or the data was cut or changed',
    { hint: 'check that this is the right identity and that the file arrived whole', cause },
  );
  faults.set(error, fault);
  return error;
}

/**
 * Why a sealed file did not open, kept beside the error and not in it, so that no answer tells it:
 * `wrong-key` when no stanza of the header is for the key (a changed stanza looks the same),
 * `damaged` otherwise. Null for any other error.
 */
export function openFaultOf(error: unknown): OpenFault | null {
  return error instanceof Error ? (faults.get(error) ?? null) : null;
}
