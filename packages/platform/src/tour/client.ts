/** A person's browser, as far as the tour needs one: cookies, a second factor, JSON. */
import { isJsonObject, type JsonObject, MerlonError } from '@merlon/core';
import { totp } from './totp.ts';

/** Who a tour person is; kept only while the tour runs. */
export interface TourPerson {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  /** Base32 secret of the authenticator; null until it is set up. */
  readonly secret: string | null;
}

/** Speaks to the platform's API over HTTP and nothing else. */
export class TourClient {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();
  #key: string | null = null;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Uses an API key instead of a session. */
  withKey(key: string): this {
    this.#key = key;
    return this;
  }

  /** Asks; throws the problem's code and sentence when it is refused. */
  async ask(method: string, path: string, body?: unknown): Promise<JsonObject> {
    const { status, answer } = await this.attempt(method, path, body);
    if (status < 400) return answer;
    const text = answer.detail ?? answer.error ?? answer.message ?? `answered ${status}`;
    throw new MerlonError(String(answer.code ?? `http-${status}`), `${path}: ${String(text)}`);
  }

  /** Asks and tells the status, whatever it is. */
  async attempt(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; answer: JsonObject }> {
    const raw = body instanceof Uint8Array;
    const response = await fetch(this.#origin + path, {
      method,
      headers: {
        origin: this.#origin,
        'content-type': raw ? 'application/octet-stream' : 'application/json',
        ...(this.#key === null ? {} : { authorization: `Bearer ${this.#key}` }),
        ...(this.#cookies.size === 0 ? {} : { cookie: this.#cookieHeader() }),
      },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await response.text();
    const parsed: unknown = text === '' ? {} : JSON.parse(text);
    return { status: response.status, answer: isJsonObject(parsed) ? parsed : {} };
  }

  /** Signs in with password and authenticator; true when it worked. */
  async signIn(person: TourPerson, nowMs: number): Promise<boolean> {
    this.#cookies.clear();
    const { email, password } = person;
    const first = await this.attempt('POST', '/api/v1/auth/sign-in/email', { email, password });
    if (first.status >= 400) return false;
    if (first.answer.twoFactorRedirect !== true) return true;
    if (person.secret === null) return false;
    const code = totp(person.secret, nowMs);
    const second = await this.attempt('POST', '/api/v1/auth/two-factor/verify-totp', { code });
    return second.status < 400;
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
