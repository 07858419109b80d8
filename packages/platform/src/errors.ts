/** Errors of the platform: one class, a closed union of codes, each with its HTTP status. */
import { MerlonError, messageOf } from '@merlon/core';

/** HTTP status of each code; the code itself is in the problem document. */
export const statusOf = {
  'bad-request': 400,
  'not-signed-in': 401,
  forbidden: 403,
  'second-factor-needed': 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'not-ready': 409,
  'not-approved': 403,
  'budget-spent': 429,
  'input-refused': 422,
  'home-unusable': 500,
  'wrong-passphrase': 500,
  'newer-home': 500,
  'port-taken': 500,
  unsafe: 500,
  tampered: 500,
  'worker-failed': 500,
  'step-failed': 500,
  'not-built': 501,
  internal: 500,
  unavailable: 503,
  busy: 503,
  'too-late': 504,
  'no-space': 507,
} as const;

/** Codes of platform errors. */
export type PlatformErrorCode = keyof typeof statusOf;

/** A deliberate error of the platform. */
export class PlatformError extends MerlonError<PlatformErrorCode> {
  /** The HTTP status that tells it. */
  get status(): (typeof statusOf)[PlatformErrorCode] {
    return statusOf[this.code];
  }
}

/** Codes by which the system and the database say that the disk is full. */
const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'SQLITE_FULL']);
/** Codes by which they say that a place cannot be written at all. */
const lockedCodes = new Set(['EROFS', 'EACCES', 'EPERM', 'EIO', 'SQLITE_READONLY', 'SQLITE_IOERR']);

/** A fault of the disk as an error that says what to do; anything else comes back as it is. */
export function diskFault(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (fullCodes.has(code)) {
    return new PlatformError('no-space', `the disk is full: ${messageOf(cause)}`, {
      hint: 'free some space, then try again; nothing was changed',
      cause,
    });
  }
  if (!lockedCodes.has(code)) return cause;
  return new PlatformError('home-unusable', `cannot write there: ${messageOf(cause)}`, {
    hint: 'make the folder writable, then try again; nothing was changed',
    cause,
  });
}
