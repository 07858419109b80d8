/**
 * Where the root key of a home is: in a file, in a head, in a device or in a service. All of them
 * only wrap one key, the home key, under which everything else stands; so a home changes its
 * provider by wrapping 32 bytes anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, secureBytes, wipe } from '@merlon/core';
import {
  formatKeyFile,
  type KeyWrapper,
  keyFileProvider,
  newPassphraseParameters,
  parsePassphraseParameters,
  passphraseProvider,
} from '@merlon/vault';
import { PlatformError } from '../errors.ts';

/** Kinds of providers. */
export const rootKeyKinds = ['key-file', 'passphrase', 'pkcs11', 'transit', 'aws-kms'] as const;

/** One of the kinds. */
export type RootKeyKind = (typeof rootKeyKinds)[number];

/** How to come by the root key: nothing of it is secret, so it stands in the home. */
export interface RootKeySetting {
  readonly provider: RootKeyKind;
  /** Address of a device or service: `pkcs11:…`, `transit:…`, `aws-kms:…`. */
  readonly uri?: string;
  /** How a passphrase becomes a key. */
  readonly passphrase?: JsonObject;
}

/** Secrets that open providers; they come from the environment, never from arguments. */
export interface RootKeySecrets {
  readonly passphrase?: string;
  readonly pkcs11Pin?: string;
  readonly pkcs11Module?: string;
  readonly transitToken?: string;
}

/** Name of the key file in a home. */
export const keyFileName = 'root.key';

/** The secrets in an environment. */
export function secretsIn(env: NodeJS.ProcessEnv): RootKeySecrets {
  const { MERLON_PASSPHRASE, MERLON_PKCS11_PIN, MERLON_PKCS11_MODULE, VAULT_TOKEN } = env;
  return {
    ...(MERLON_PASSPHRASE === undefined ? {} : { passphrase: MERLON_PASSPHRASE }),
    ...(MERLON_PKCS11_PIN === undefined ? {} : { pkcs11Pin: MERLON_PKCS11_PIN }),
    ...(MERLON_PKCS11_MODULE === undefined ? {} : { pkcs11Module: MERLON_PKCS11_MODULE }),
    ...(VAULT_TOKEN === undefined ? {} : { transitToken: VAULT_TOKEN }),
  };
}

/** A setting from `key-file`, `passphrase` or an address; throws `bad-request`. */
export function chooseRootKey(text: string): RootKeySetting {
  const kind = rootKeyKinds.find((each) => text === each || text.startsWith(`${each}:`));
  const needsUri = kind !== 'key-file' && kind !== 'passphrase';
  if (kind === undefined || needsUri !== text.includes(':')) {
    throw new PlatformError('bad-request', `root key expected a provider, got "${short(text)}"`, {
      hint: 'give key-file, passphrase, pkcs11:…, transit:https://… or aws-kms:…',
    });
  }
  if (kind === 'passphrase') {
    return { provider: kind, passphrase: { ...newPassphraseParameters() } };
  }
  return needsUri ? { provider: kind, uri: text } : { provider: kind };
}

/** The setting in a home's description; throws `home-unusable`. */
export function readRootKeySetting(value: unknown, legacyPassphrase?: unknown): RootKeySetting {
  const provider = isJsonObject(value) ? value.provider : undefined;
  const kind = rootKeyKinds.find((each) => each === provider);
  if (!isJsonObject(value) || kind === undefined) {
    throw new PlatformError('home-unusable', 'the home names no root key that is known here', {
      hint: 'start the newer Merlon that wrote it, or restore the file from a backup',
    });
  }
  const passphrase = value.passphrase ?? legacyPassphrase;
  return {
    provider: kind,
    ...(typeof value.uri === 'string' ? { uri: value.uri } : {}),
    ...(isJsonObject(passphrase) ? { passphrase } : {}),
  };
}

/** Opens the provider of a setting; throws one sentence for whatever is missing or down. */
export async function openRootKey(
  setting: RootKeySetting,
  folder: string,
  secrets: RootKeySecrets,
): Promise<KeyWrapper> {
  const { uri = '' } = setting;
  switch (setting.provider) {
    case 'key-file':
      return readKeyFile(join(folder, keyFileName));
    case 'passphrase': {
      const passphrase = needed(secrets.passphrase, 'a passphrase', 'MERLON_PASSPHRASE');
      return passphraseProvider(passphrase, parsePassphraseParameters(setting.passphrase));
    }
    case 'pkcs11': {
      const { pkcs11Wrapper, readPkcs11Uri } = await import('./providers/pkcs11.ts');
      const pin = needed(secrets.pkcs11Pin, 'the PIN of a token', 'MERLON_PKCS11_PIN');
      return pkcs11Wrapper(readPkcs11Uri(uri, secrets.pkcs11Module), pin);
    }
    case 'transit': {
      const { readTransitUri, transitWrapper } = await import('./providers/transit.ts');
      const token = needed(secrets.transitToken, 'a token of the Transit engine', 'VAULT_TOKEN');
      return transitWrapper(readTransitUri(uri), token);
    }
    case 'aws-kms': {
      const { kmsWrapper, readKmsUri } = await import('./providers/aws-kms.ts');
      return kmsWrapper(readKmsUri(uri));
    }
  }
}

/** The text of a new key file. */
export function newKeyFile(): string {
  const key = secureBytes(32);
  const text = formatKeyFile(key);
  wipe(key);
  return text;
}

function readKeyFile(path: string): KeyWrapper {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PlatformError('home-unusable', `the root key file "${path}" cannot be read`, {
      hint: 'put the key file back, or open the home with its recovery key: merlon keys recover',
      cause,
    });
  }
  return keyFileProvider(text);
}

function needed(value: string | undefined, what: string, setting: string): string {
  if (value !== undefined) return value;
  throw new PlatformError('wrong-passphrase', `this home opens with ${what}`, {
    hint: `set ${setting} and start again`,
  });
}

function short(text: string): string {
  return text.slice(0, 60);
}
