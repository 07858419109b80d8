/** The API over HTTP: JSON in, JSON out, problems as errors with what to do next. */

/** A refused or failed request. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;

  constructor(of: { status: number; code: string; detail: string; hint: string }) {
    super(of.detail);
    this.name = 'Problem';
    this.status = of.status;
    this.code = of.code;
    this.hint = of.hint;
  }
}

/** Asks the platform; throws a `Problem` unless it is done. */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  const response = await fetch(path, init).catch(() => {
    throw new Problem({
      status: 0,
      code: 'unreachable',
      detail: 'The platform does not answer.',
      hint: 'Is it still running?',
    });
  });
  const text = await response.text();
  const answer = parse(text);
  if (response.ok) return answer as T;
  const { code, detail, hint, message } = answer as Partial<Record<string, string>>;
  throw new Problem({
    status: response.status,
    code: code ?? `http-${response.status}`,
    detail: sentence(detail ?? message ?? `The platform answered ${response.status}.`),
    hint: sentence(hint ?? ''),
  });
}

/** Reads from the API. */
export function get<T>(path: string): Promise<T> {
  return ask<T>('GET', `/api/v1/${path}`);
}

/** Asks the API to do something. */
export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return ask<T>('POST', `/api/v1/${path}`, body);
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return { detail: 'The answer was not JSON.' };
  }
}

function sentence(text: string): string {
  if (text === '') return '';
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
