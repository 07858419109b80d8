/** Errors as problem documents (RFC 9457): a code, one sentence and what to do; never a stack. */
import { MerlonError } from '@merlon/core';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { diskFault, PlatformError } from '../errors.ts';

/** A problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
}

/** Engine errors that tell the caller what is wrong with what they sent. */
const inputStatus: Readonly<Record<string, number>> = {
  'bad-input': 400,
  'not-found': 404,
  'too-large': 413,
  unsupported: 422,
  'worker-failed': 422,
};

/** The problem of anything that was thrown; faults of our own tell nothing but that. */
export function problemOf(cause: unknown): Problem {
  const thrown = diskFault(cause);
  if (thrown instanceof PlatformError) return problem(thrown.status, thrown);
  if (thrown instanceof MerlonError) return problem(inputStatus[thrown.code] ?? 422, thrown);
  if (thrown instanceof HTTPException && thrown.status < 500) {
    const message = thrown.message || 'the request cannot be understood';
    return problem(thrown.status, { code: 'bad-request', message, hint: '' });
  }
  const message = 'something went wrong inside Merlon; nothing was changed';
  const hint = 'the log of the platform tells more';
  return problem(500, { code: 'internal', message, hint });
}

/** Answers with the problem; faults of our own are also told to the log. */
export function answerProblem(
  context: Context,
  thrown: unknown,
  onFault: (error: unknown) => void,
): Response {
  const found = problemOf(thrown);
  if (found.status >= 500) onFault(thrown);
  return context.body(JSON.stringify(found), found.status as 500, {
    'content-type': 'application/problem+json',
  });
}

function problem(
  status: number,
  of: { readonly code: string; readonly message: string; readonly hint: string },
): Problem {
  return {
    type: `https://merlon.dev/problems/${of.code}`,
    title: titles[status] ?? 'Error',
    status,
    code: of.code,
    detail: of.message,
    hint: of.hint,
  };
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  422: 'Cannot be processed',
  429: 'Too many requests',
  500: 'Internal error',
  501: 'Not built yet',
  503: 'Unavailable',
  504: 'Too late',
  507: 'Insufficient storage',
};

/** Whether a status tells of a fault of our own, rather than of load or of the caller. */
export function isOurs(status: number): boolean {
  return status >= 500 && status !== 503 && status !== 504;
}
