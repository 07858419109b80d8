/** A root key in the Transit engine of OpenBao or HashiCorp Vault, over its HTTP interface. */
import { base64, fromBase64, isJsonObject, messageOf, utf8 } from '@merlon/core';
import { type KeyWrapper, VaultError } from '@merlon/vault';

/** Where the key is. */
export interface TransitPlace {
  /** Address of the server, such as `https://vault.example:8200`. */
  readonly address: string;
  /** Where the engine is mounted (default `transit`). */
  readonly mount: string;
  /** Name of the key; it is made when it is not there and the token may. */
  readonly key: string;
}

const timeoutMsDefault = 10_000;

/** A place from `transit:https://host:8200/KEY` or `…/MOUNT/KEY`. */
export function readTransitUri(text: string): TransitPlace {
  const bare = text.replace(/^transit:/, '');
  const url = URL.canParse(bare) ? new URL(bare) : null;
  const parts = url?.pathname.split('/').filter((part) => part !== '') ?? [];
  const key = parts.pop();
  if (url === null || key === undefined || !/^https?:$/.test(url.protocol)) {
    throw new VaultError('bad-key', 'expected transit:https://host:port/KEY', {
      hint: 'such as transit:https://vault.example:8200/merlon',
    });
  }
  if (url.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
    throw new VaultError('bad-key', 'expected https: keys would cross the network in clear', {
      hint: 'give the address with https; http is taken on loopback only',
    });
  }
  return { address: url.origin, mount: parts.join('/') || 'transit', key };
}

/** Wraps under a key of the engine. Throws `provider-unavailable` when no answer comes in time. */
export function transitWrapper(
  place: TransitPlace,
  token: string,
  timeoutMs: number = timeoutMsDefault,
): KeyWrapper {
  const ask = async (action: string, body: Record<string, string>): Promise<string> => {
    const name = encodeURIComponent(place.key);
    const url = `${place.address}/v1/${place.mount}/${action}/${name}`;
    const answer = await post(url, { token, body, timeoutMs });
    const field = action === 'encrypt' ? 'ciphertext' : 'plaintext';
    const value = isJsonObject(answer.data) ? answer.data[field] : undefined;
    if (typeof value === 'string') return value;
    throw unavailable(`it gave no ${field}`);
  };
  // The context is bound as associated data, so that a wrapped key cannot change places.
  const bound = (context: string): string => base64(utf8(`merlon/v1/${context}`));
  return {
    name: 'transit',
    wrap: async (key, context) => {
      const wish = { plaintext: base64(key), associated_data: bound(context) };
      return utf8(await ask('encrypt', wish));
    },
    unwrap: async (wrapped, context) => {
      const ciphertext = new TextDecoder().decode(wrapped);
      return fromBase64(await ask('decrypt', { ciphertext, associated_data: bound(context) }));
    },
    close: () => undefined,
  };
}

async function post(
  url: string,
  asked: {
    readonly token: string;
    readonly body: Record<string, string>;
    readonly timeoutMs: number;
  },
): Promise<Record<string, unknown>> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'x-vault-token': asked.token, 'content-type': 'application/json' },
      body: JSON.stringify(asked.body),
      redirect: 'error',
      signal: AbortSignal.timeout(asked.timeoutMs),
    });
    answer = await response.json();
  } catch (error) {
    throw unavailable(messageOf(error), error);
  }
  if (response.ok && isJsonObject(answer)) return answer;
  if (response.status === 400) {
    throw new VaultError('cannot-open', 'cannot open: wrong root key, or the data was changed', {
      hint: 'give the server and key that this home was made with',
    });
  }
  throw unavailable(`it answered ${response.status}`);
}

function unavailable(why: string, cause?: unknown): VaultError {
  return new VaultError('provider-unavailable', `the Transit engine does not answer: ${why}`, {
    hint: 'check that it runs, is unsealed, and that VAULT_TOKEN may use the key; then try again',
    cause,
  });
}
