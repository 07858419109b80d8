/**
 * The one shape of every error that Merlon raises on purpose: a code from a closed union,
 * one sentence that says what is wrong, and a hint that says what to do next.
 * Anything else that is thrown is a fault of our own and is reported as `internal`.
 */

/** What an error looks like on the command line (`--json`) and inside problem documents. */
export interface ErrorReport {
  /** Stable, machine-readable code in kebab case. */
  readonly code: string;
  /** One sentence in lower case: expected … got …, input in quotes. */
  readonly message: string;
  /** What the reader can do next; empty when there is nothing to do. */
  readonly hint: string;
}

/** Extra facts of an error. */
export interface ErrorDetail {
  /** What the reader can do next. */
  readonly hint?: string;
  /** The lower-level error that led here; never shown to a remote caller. */
  readonly cause?: unknown;
}

/** Base class of all deliberate errors; packages extend it with their own union of codes. */
export class MerlonError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string;

  constructor(code: Code, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = detail.hint ?? '';
  }

  /** The error as data. */
  report(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** Codes that any package may raise about what it was given. */
export type InputErrorCode = 'bad-input' | 'not-found' | 'too-large' | 'unsupported';

/** The input cannot be used; nothing was changed. */
export class InputError extends MerlonError<InputErrorCode> {}

/** The message of anything that was thrown, for logs and for wrapping. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
