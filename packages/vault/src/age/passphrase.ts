/**
 * Passphrases as age recipients and identities (age v1, "scrypt recipient stanza"). The key
 * derivation is node:crypto's, which runs off the event loop and natively.
 */
import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import { type Bytes, base64, concat, fromBase64, secureBytes, utf8, wipe } from '@merlon/core';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { cannotOpen, VaultError } from '../error.ts';

/** Base-2 logarithm of the work: 2^18 takes about a second and 256 MiB. */
export const workFactorDefault = 18;
/** The most work that opening accepts, so that a hostile header cannot stall the reader. */
export const workFactorMax = 20;

const label = 'age-encryption.org/v1/scrypt';
const saltBytes = 16;
const bodyBytes = 32;

/** Seals to a passphrase; it must then be the only recipient. Throws `bad-passphrase`. */
export function passphraseRecipient(
  passphrase: string,
  workFactor: number = workFactorDefault,
): Recipient {
  if (passphrase.length === 0) {
    throw new VaultError('bad-passphrase', 'passphrase expected text, got none');
  }
  if (!Number.isInteger(workFactor) || workFactor < 1 || workFactor > workFactorMax) {
    const range = `1 … ${workFactorMax}`;
    throw new VaultError('bad-passphrase', `"workFactor" expected ${range}, got ${workFactor}`);
  }
  return {
    wrapFileKey: async (fileKey) => {
      const salt = secureBytes(saltBytes);
      const key = await stretch(passphrase, salt, workFactor);
      // The key is fresh for every file, which is why a zero nonce is sound here.
      const cipher = createCipheriv('chacha20-poly1305', key, zeroNonce(), { authTagLength: 16 });
      const body = concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      wipe(key);
      return [new Stanza(['scrypt', base64NoPad(salt), String(workFactor)], body)];
    },
  };
}

/** Opens what was sealed to a passphrase; `null` for files with other recipients. */
export function passphraseIdentity(passphrase: string): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const stanza = stanzas.find((each) => each.args[0] === 'scrypt');
      if (stanza === undefined) return null;
      if (stanzas.length !== 1) throw cannotOpen();
      const { salt, workFactor } = readArguments(stanza);
      const key = await stretch(passphrase, salt, workFactor);
      const cipher = createDecipheriv('chacha20-poly1305', key, zeroNonce(), { authTagLength: 16 });
      cipher.setAuthTag(stanza.body.subarray(16));
      try {
        return concat([cipher.update(stanza.body.subarray(0, 16)), cipher.final()]);
      } catch (thrown) {
        throw cannotOpen(thrown, 'wrong-key');
      } finally {
        wipe(key);
      }
    },
  };
}

function readArguments(stanza: Stanza): { salt: Uint8Array; workFactor: number } {
  const [, saltText = '', workText = '', ...rest] = stanza.args;
  const workFactor = Number(workText);
  const sound =
    rest.length === 0 &&
    /^[A-Za-z0-9+/]{22}$/.test(saltText) &&
    /^[1-9][0-9]?$/.test(workText) &&
    workFactor <= workFactorMax &&
    stanza.body.length === bodyBytes;
  if (!sound) throw cannotOpen();
  const salt = fromBase64(saltText);
  if (base64NoPad(salt) !== saltText) throw cannotOpen();
  return { salt, workFactor };
}

function stretch(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Bytes> {
  const cost = 2 ** workFactor;
  const options = { N: cost, r: 8, p: 1, maxmem: 128 * 8 * cost + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, concat([utf8(label), salt]), 32, options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}

function zeroNonce(): Uint8Array {
  return new Uint8Array(12);
}

function base64NoPad(bytes: Uint8Array): string {
  return base64(bytes).replace(/=+$/, '');
}
