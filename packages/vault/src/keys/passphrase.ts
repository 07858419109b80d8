/** A root key from a passphrase: argon2id (RFC 9106), parameters stored beside the salt. */
import { argon2 } from 'node:crypto';
import { type Bytes, base64, fromBase64, isJsonObject, secureBytes, utf8 } from '@merlon/core';
import { VaultError } from '../error.ts';
import { localProvider, type RootKeyProvider, rootKeyBytes } from './root.ts';

/** How a passphrase becomes a key; not secret, stored as JSON. */
export interface PassphraseParameters {
  readonly algorithm: 'argon2id';
  /** Memory in KiB. */
  readonly memoryKib: number;
  /** Passes over the memory. */
  readonly passes: number;
  readonly parallelism: number;
  /** 16 random bytes in base64. */
  readonly salt: string;
}

/** The work of a new passphrase. */
export interface PassphraseWork {
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes; about 0.1 s. */
export const passphraseWorkDefault: PassphraseWork = {
  memoryKib: 65536,
  passes: 3,
  parallelism: 4,
};

// Above this a changed parameter file could stall or starve the process that reads it.
const memoryKibMax = 1 << 20;
const passesMax = 64;
const parallelismMax = 16;
const saltBytes = 16;

/** Fresh parameters with a random salt. Throws `bad-parameters`. */
export function newPassphraseParameters(
  work: PassphraseWork = passphraseWorkDefault,
): PassphraseParameters {
  const salt = base64(secureBytes(saltBytes));
  return parsePassphraseParameters({ algorithm: 'argon2id', ...work, salt });
}

/** Parameters as they were stored; throws `bad-parameters` that tells every fault. */
export function parsePassphraseParameters(stored: unknown): PassphraseParameters {
  if (!isJsonObject(stored)) {
    throw new VaultError('bad-parameters', 'passphrase parameters expected an object');
  }
  const faults: string[] = [];
  const integer = (name: string, min: number, max: number): number => {
    const value = stored[name];
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    faults.push(`"${name}" expected integer in ${min} … ${max}, got ${JSON.stringify(value)}`);
    return min;
  };
  const parallelism = integer('parallelism', 1, parallelismMax);
  const memoryKib = integer('memoryKib', 8 * parallelism, memoryKibMax);
  const passes = integer('passes', 1, passesMax);
  const salt = typeof stored.salt === 'string' ? stored.salt : '';
  if (!/^[A-Za-z0-9+/]{22}==$/.test(salt)) {
    faults.push(`"salt" expected ${saltBytes} bytes in base64`);
  }
  if (stored.algorithm !== 'argon2id') {
    faults.push(`"algorithm" expected "argon2id", got ${JSON.stringify(stored.algorithm)}`);
  }
  if (faults.length > 0) throw new VaultError('bad-parameters', faults.join('; '));
  return { algorithm: 'argon2id', memoryKib, passes, parallelism, salt };
}

/** The 32-byte root key of a passphrase; runs off the event loop. Throws `bad-passphrase`. */
export function stretchPassphrase(
  passphrase: string,
  parameters: PassphraseParameters,
): Promise<Bytes> {
  if (passphrase === '') {
    throw new VaultError('bad-passphrase', 'passphrase expected text, got none');
  }
  const options = {
    // Two ways of typing one accented letter must give one key.
    message: utf8(passphrase.normalize('NFKC')),
    nonce: fromBase64(parameters.salt),
    parallelism: parameters.parallelism,
    tagLength: rootKeyBytes,
    memory: parameters.memoryKib,
    passes: parameters.passes,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}

/** A provider whose root key is stretched from a passphrase. Throws `bad-passphrase`. */
export async function passphraseProvider(
  passphrase: string,
  parameters: PassphraseParameters,
): Promise<RootKeyProvider> {
  return localProvider('passphrase', await stretchPassphrase(passphrase, parameters));
}
