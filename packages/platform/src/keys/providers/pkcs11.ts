/**
 * Keys in a device behind PKCS #11: a root key that wraps with AES-GCM, and a signing key. Neither
 * ever leaves the device. The binding, `pkcs11js`, is native code and loaded only here.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { concat, messageOf, secureBytes } from '@merlon/core';
import { type KeyWrapper, type Signer, VaultError } from '@merlon/vault';
import type { Handle, PKCS11 } from 'pkcs11js';

/** Where a key is. */
export interface Pkcs11Place {
  /** Path of the device's library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Label of the key. */
  readonly object: string;
}

type Binding = typeof import('pkcs11js');

interface Session {
  readonly binding: Binding;
  readonly device: PKCS11;
  readonly handle: Handle;
  close(): void;
}

const ivBytes = 12;
const tagBits = 128;
const version = 2;

/** A place from text such as `pkcs11:token=merlon;object=root?module-path=/usr/lib/x.so`. */
export function readPkcs11Uri(text: string, moduleDefault?: string): Pkcs11Place {
  const [path = '', query = ''] = text.replace(/^pkcs11:/, '').split('?');
  const attributes = new Map(
    [...path.split(';'), ...query.split('&')].map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [name, decodeURIComponent(value.join('='))] as const;
    }),
  );
  const module = attributes.get('module-path') ?? moduleDefault;
  const [token, object] = [attributes.get('token'), attributes.get('object')];
  if (!text.startsWith('pkcs11:') || !module || !token || !object) {
    throw new VaultError('bad-key', 'expected pkcs11:token=…;object=…?module-path=…', {
      hint: 'the library may also stand in MERLON_PKCS11_MODULE',
    });
  }
  return { module, token, object };
}

/** Wraps under an AES key in the device, which makes it when it is not there yet. */
export async function pkcs11Wrapper(place: Pkcs11Place, pin: string): Promise<KeyWrapper> {
  const session = await openSession(place, pin);
  const key = guarded(() => findAesKey(session, place.object) ?? makeAesKey(session, place.object));
  const mechanism = (iv: Uint8Array, context: string) => ({
    mechanism: session.binding.CKM_AES_GCM,
    parameter: {
      type: session.binding.CK_PARAMS_AES_GCM,
      iv: Buffer.from(iv),
      aad: Buffer.from(`merlon/v1/${context}`),
      ivBits: 8 * ivBytes,
      tagBits,
    },
  });
  return {
    name: 'pkcs11',
    wrap: async (bytes, context) =>
      guarded(() => {
        const iv = secureBytes(ivBytes);
        session.device.C_EncryptInit(session.handle, mechanism(iv, context), key);
        const room = Buffer.alloc(bytes.length + tagBits / 8);
        const sealed = session.device.C_Encrypt(session.handle, Buffer.from(bytes), room);
        return concat([Uint8Array.of(version), iv, sealed]);
      }),
    unwrap: async (wrapped, context) => {
      if (wrapped[0] !== version) throw cannotOpen();
      try {
        const iv = wrapped.subarray(1, 1 + ivBytes);
        session.device.C_DecryptInit(session.handle, mechanism(iv, context), key);
        const sealed = Buffer.from(wrapped.subarray(1 + ivBytes));
        const clear = session.device.C_Decrypt(session.handle, sealed, Buffer.alloc(sealed.length));
        return new Uint8Array(clear);
      } catch (error) {
        throw isLost(error) ? unavailable(error) : cannotOpen(error);
      }
    },
    close: () => session.close(),
  };
}

/** Signs with an EC key in the device; `publicKeyPem` names the key in the bundles. */
export async function pkcs11Signer(
  place: Pkcs11Place,
  pin: string,
  publicKeyPem: string,
): Promise<Signer & { readonly isOwn: (leaf: X509Certificate) => boolean; close(): void }> {
  const { createPublicKey } = await import('node:crypto');
  const publicKey = createPublicKey(publicKeyPem);
  const curve = publicKey.asymmetricKeyDetails?.namedCurve ?? '';
  const hash = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' }[curve];
  if (hash === undefined) throw new VaultError('bad-key', 'expected P-256, P-384 or P-521');
  const session = await openSession(place, pin);
  const { binding, device, handle } = session;
  const key = guarded(() => findObject(session, place.object, binding.CKO_PRIVATE_KEY));
  if (key === null) {
    session.close();
    throw new VaultError('bad-key', `the token has no private key "${place.object}"`, {
      hint: 'make one with pkcs11-tool --keypairgen, or name another label',
    });
  }
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    material: { publicKey: { hint: createHash('sha256').update(pem).digest('hex') } },
    sign: (message) =>
      guarded(() => {
        device.C_SignInit(handle, { mechanism: binding.CKM_ECDSA }, key);
        const digest = createHash(hash).update(message).digest();
        return derOf(device.C_Sign(handle, digest, Buffer.alloc(256)));
      }),
    isOwn: (leaf) => leaf.publicKey.equals(publicKey),
    close: () => session.close(),
  };
}

async function openSession(place: Pkcs11Place, pin: string): Promise<Session> {
  const binding = await loadBinding();
  const device = new binding.PKCS11();
  try {
    device.load(place.module);
    initialize(device);
  } catch (error) {
    throw unavailable(error);
  }
  try {
    const slot = device
      .C_GetSlotList(true)
      .find((each) => device.C_GetTokenInfo(each).label.trim() === place.token);
    if (slot === undefined) throw new Error(`there is no token "${place.token}"`);
    const flags = binding.CKF_SERIAL_SESSION | binding.CKF_RW_SESSION;
    const handle = device.C_OpenSession(slot, flags);
    const close = (): void => device.C_CloseSession(handle);
    try {
      login(device, handle, { user: binding.CKU_USER, pin });
    } catch (error) {
      close();
      throw error;
    }
    return { binding, device, handle, close };
  } catch (error) {
    throw unavailable(error);
  }
}

/** A library is one for the whole process, so it stays as it is for whoever else uses it. */
function initialize(device: PKCS11): void {
  try {
    device.C_Initialize();
  } catch (error) {
    if (!/ALREADY_INITIALIZED/.test(messageOf(error))) throw error;
  }
}

/** So is the login: all sessions of a token share it. */
function login(
  device: PKCS11,
  handle: Handle,
  { user, pin }: { readonly user: number; readonly pin: string },
): void {
  try {
    device.C_Login(handle, user, pin);
  } catch (error) {
    if (!/ALREADY_LOGGED_IN/.test(messageOf(error))) throw error;
  }
}

async function loadBinding(): Promise<Binding> {
  try {
    const loaded = (await import('pkcs11js')) as Binding & { default?: Binding };
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new VaultError('provider-unavailable', 'the PKCS #11 binding is not built here', {
      hint: 'run "npm rebuild pkcs11js" where a C++ compiler is installed',
      cause,
    });
  }
}

function findAesKey(session: Session, label: string): Handle | null {
  return findObject(session, label, session.binding.CKO_SECRET_KEY);
}

function findObject(
  { binding, device, handle }: Session,
  label: string,
  kind: number,
): Handle | null {
  device.C_FindObjectsInit(handle, [
    { type: binding.CKA_CLASS, value: kind },
    { type: binding.CKA_LABEL, value: label },
  ]);
  try {
    return device.C_FindObjects(handle);
  } finally {
    device.C_FindObjectsFinal(handle);
  }
}

/** 256 bits, kept by the token, sensitive and never to be taken out. */
function makeAesKey({ binding, device, handle }: Session, label: string): Handle {
  return device.C_GenerateKey(handle, { mechanism: binding.CKM_AES_KEY_GEN }, [
    { type: binding.CKA_CLASS, value: binding.CKO_SECRET_KEY },
    { type: binding.CKA_KEY_TYPE, value: binding.CKK_AES },
    { type: binding.CKA_VALUE_LEN, value: 32 },
    { type: binding.CKA_LABEL, value: label },
    { type: binding.CKA_TOKEN, value: true },
    { type: binding.CKA_PRIVATE, value: true },
    { type: binding.CKA_SENSITIVE, value: true },
    { type: binding.CKA_EXTRACTABLE, value: false },
    { type: binding.CKA_ENCRYPT, value: true },
    { type: binding.CKA_DECRYPT, value: true },
  ]);
}

/** ECDSA of PKCS #11 is both numbers one after the other; signatures of bundles are DER. */
function derOf(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const integer = (part: Uint8Array): Uint8Array => {
    const first = part.findIndex((byte) => byte !== 0);
    const bare = part.subarray(first < 0 ? part.length - 1 : first);
    const value = (bare[0] ?? 0) >= 0x80 ? concat([Uint8Array.of(0), bare]) : bare;
    return concat([Uint8Array.of(2, value.length), value]);
  };
  const body = concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))]);
  const head = body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length];
  return concat([Uint8Array.from(head), body]);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unavailable(error);
  }
}

/** Errors of the device itself; a wrong tag is told as a general error, which is none of them. */
function isLost(error: unknown): boolean {
  return /DEVICE|TOKEN_NOT|SESSION|CRYPTOKI/.test(messageOf(error));
}

function unavailable(cause: unknown): VaultError {
  if (cause instanceof VaultError) return cause;
  const message = `the PKCS #11 device does not work: ${messageOf(cause)}`;
  return new VaultError('provider-unavailable', message, {
    hint: 'check the token, its PIN (MERLON_PKCS11_PIN) and the library, then try again',
    cause,
  });
}

function cannotOpen(cause?: unknown): VaultError {
  return new VaultError('cannot-open', 'cannot open: wrong root key, or the data was changed', {
    hint: 'give the device whose key this home was made with',
    cause,
  });
}
