/** A root key in AWS KMS. The client library is optional and loaded only here. */
import { messageOf } from '@merlon/core';
import { type KeyWrapper, VaultError } from '@merlon/vault';

/** Where the key is. */
export interface KmsPlace {
  /** Key id, ARN or `alias/…`. */
  readonly key: string;
  /** Other than AWS itself, such as a private endpoint. */
  readonly endpoint?: string;
  readonly region?: string;
}

const timeoutMsDefault = 10_000;

/** A place from `aws-kms:KEY`, with `?endpoint=…&region=…` where needed. */
export function readKmsUri(text: string): KmsPlace {
  const [key = '', query = ''] = text.replace(/^aws-kms:/, '').split('?');
  const settings = new URLSearchParams(query);
  const [endpoint, region] = [settings.get('endpoint'), settings.get('region')];
  if (!text.startsWith('aws-kms:') || key === '') {
    throw new VaultError('bad-key', 'expected aws-kms:KEY, the id, ARN or alias of a key', {
      hint: 'such as aws-kms:alias/merlon?region=eu-central-1',
    });
  }
  return {
    key,
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
  };
}

/** Wraps under a key of KMS; credentials are those of the environment. */
export async function kmsWrapper(
  place: KmsPlace,
  timeoutMs: number = timeoutMsDefault,
): Promise<KeyWrapper> {
  const { KMSClient, EncryptCommand, DecryptCommand } = await import('@aws-sdk/client-kms').catch(
    (cause: unknown) => {
      throw new VaultError('provider-unavailable', 'the library for AWS KMS is not installed', {
        hint: 'run "npm install @aws-sdk/client-kms"',
        cause,
      });
    },
  );
  const { key, endpoint, region } = place;
  const client = new KMSClient({
    maxAttempts: 2,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  });
  // KMS refuses to open what was wrapped in another context.
  const bound = (context: string) => ({ EncryptionContext: { merlon: context }, KeyId: key });
  const within = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  return {
    name: 'aws-kms',
    wrap: async (bytes, context) => {
      try {
        const wish = new EncryptCommand({ ...bound(context), Plaintext: bytes });
        const { CiphertextBlob } = await client.send(wish, within());
        return new Uint8Array(CiphertextBlob ?? []);
      } catch (error) {
        throw unavailable(error);
      }
    },
    unwrap: async (wrapped, context) => {
      try {
        const wish = new DecryptCommand({ ...bound(context), CiphertextBlob: wrapped });
        const { Plaintext } = await client.send(wish, within());
        return new Uint8Array(Plaintext ?? []);
      } catch (error) {
        throw isRefusal(error) ? cannotOpen(error) : unavailable(error);
      }
    },
    close: () => client.destroy(),
  };
}

function isRefusal(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return ['InvalidCiphertextException', 'IncorrectKeyException'].includes(name);
}

function cannotOpen(cause: unknown): VaultError {
  return new VaultError('cannot-open', 'cannot open: wrong root key, or the data was changed', {
    hint: 'give the key that this home was made with',
    cause,
  });
}

function unavailable(cause: unknown): VaultError {
  return new VaultError('provider-unavailable', `AWS KMS does not answer: ${messageOf(cause)}`, {
    hint: 'check key, region, clock and the credentials in the environment; then try again',
    cause,
  });
}
