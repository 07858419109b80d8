/** Reads what channels are told by environment variables; a fault names the variable alone. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PlatformError } from '../errors.ts';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An error that says what a variable should hold, never what it holds. */
export function expected(variable: string, what: string, hint: string): PlatformError {
  return new PlatformError('bad-request', `"${variable}" expected ${what}`, { hint });
}

/** What an address should look like. */
export interface AddressWish {
  readonly variable: string;
  /** Such as `smtp:`. */
  readonly protocols: readonly string[];
  /** Said in faults. */
  readonly what: string;
  readonly hint: string;
  /** Parameters after `?` that are understood. */
  readonly parameters?: readonly string[];
}

/** The address in a text; throws `bad-request` for any other. */
export function readAddress(text: string, wish: AddressWish): URL {
  const { variable, what, hint, protocols } = wish;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !protocols.includes(url.protocol) || url.hostname === '') {
    throw expected(variable, what, hint);
  }
  if (wish.parameters !== undefined) {
    const { parameters } = wish;
    const strange = [...url.searchParams.keys()].some((name) => !parameters.includes(name));
    if (strange) throw expected(variable, `no parameters but ${parameters.join(', ')}`, hint);
  }
  return url;
}

/** An address of HTTP that carries a secret: by TLS, or within this machine. */
export function readSecretAddress(text: string, variable: string): URL {
  const hint = `set ${variable} to the address that the service shows for it`;
  const what = 'https://… (http://… only to this machine)';
  const url = readAddress(text, { variable, protocols: ['https:', 'http:'], what, hint });
  if (url.protocol === 'http:' && !isThisMachine(url)) throw expected(variable, what, hint);
  return url;
}

/** True for addresses that never leave this machine. */
export function isThisMachine({ hostname }: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** The host as sockets take it, an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Certificates from the file that `?ca=` names; undefined without one. */
export function authorityOf(url: URL, variable: string): string | undefined {
  const path = url.searchParams.get('ca');
  if (path === null) return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    return new X509Certificate(text).toString() === '' ? undefined : text;
  } catch {
    const hint = 'give the authority that the certificate of the receiver was issued by';
    throw expected(variable, '"ca" to name a readable file with certificates in PEM', hint);
  }
}
