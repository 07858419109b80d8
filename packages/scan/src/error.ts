/** Errors of the scanner. What is wrong *in* a file is a finding, never an error. */
import { MerlonError } from '@merlon/core';

/** What can go wrong: only the caller's own input, or a limit inside one reader. */
export type ScanErrorCode =
  | 'bad-profile'
  | 'bad-policy'
  | 'bad-ignore'
  | 'bad-advisories'
  | 'usage'
  | 'not-found'
  | 'cut-short';

/** The scanner refused its options, or a reader ran out of bytes (never leaves the package). */
export class ScanError extends MerlonError<ScanErrorCode> {}
