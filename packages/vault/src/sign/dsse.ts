/**
 * A DSSE envelope in a sigstore bundle: one signer for signatures of models, provenance and test
 * results alike (DSSE 1.0.2, sigstore bundle v0.3).
 */
import { verify } from 'node:crypto';
import {
  base64,
  concat,
  fromBase64,
  fromUtf8,
  isJsonObject,
  type Json,
  type JsonObject,
  utf8,
} from '@merlon/core';
import { chainKey } from './certificate.ts';
import { type CurveKey, keyHint, readPublicKey } from './key.ts';
import type { Signer } from './signer.ts';

/** Whom a signature must be from: a public key, or somebody whom given certificates vouch for. */
export type Trust =
  | { readonly publicKeyPem: string }
  | {
      /** Trusted certificates in PEM; a chain must end at one of them. */
      readonly certificatesPem: string;
      /** Now, in milliseconds since 1970: certificates must be valid at this time. */
      readonly atMs: number;
    };

/** Why an envelope does not hold. */
export interface EnvelopeError {
  readonly code: 'bad-bundle' | 'wrong-key' | 'bad-signature' | 'bad-certificate' | 'unsupported';
  readonly message: string;
}

/** A payload whose signature holds. */
export interface OpenedEnvelope {
  readonly payload: Json;
  /** What a strict reader would not accept of the envelope; empty for what is written today. */
  readonly loose: readonly string[];
}

/** The in-toto payload type of every envelope here. */
export const payloadType = 'application/vnd.in-toto+json';

const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** The payload, signed, as the text of a bundle. */
export function signEnvelope(payload: string, signer: Signer): string {
  const bytes = utf8(payload);
  const signature = signer.sign(preAuthentication(bytes));
  const bundle = {
    mediaType,
    verificationMaterial: { ...signer.material, tlogEntries: [] },
    dsseEnvelope: {
      payload: base64(bytes),
      payloadType,
      signatures: [{ sig: base64(signature), keyid: '' }],
    },
  };
  return `${JSON.stringify(bundle)}\n`;
}

/**
 * The payload of a bundle whose signature holds, or why it does not. Throws `bad-key` for a trusted
 * key or certificate that is none.
 */
export function openEnvelope(text: string, trust: Trust): OpenedEnvelope | EnvelopeError {
  const bundle = parseJson(text);
  if (!isJsonObject(bundle) || bundle.mediaType !== mediaType) {
    return badBundle(`"mediaType" ${mediaType}`);
  }
  if (!isJsonObject(bundle.verificationMaterial)) return badBundle('"verificationMaterial"');
  const key = keyOf(bundle.verificationMaterial, trust);
  if ('code' in key) return key;
  const envelope = bundle.dsseEnvelope;
  if (!isJsonObject(envelope)) return badBundle('"dsseEnvelope"');
  if (envelope.payloadType !== payloadType) return badBundle(`"payloadType" ${payloadType}`);
  const payload = bytesOf(envelope.payload);
  const signatures = Array.isArray(envelope.signatures) ? envelope.signatures : [];
  const [first] = signatures;
  const signature = isJsonObject(first) ? bytesOf(first.sig) : null;
  if (payload === null || signature === null || signatures.length !== 1) {
    return badBundle('a payload and exactly one signature in base64');
  }
  const form = formOf(key, payload, signature);
  if (form === null) {
    return { code: 'bad-signature', message: 'the signature is not that of this key and content' };
  }
  const parsed = parseText(payload);
  if (parsed === undefined) return badBundle('a payload in JSON');
  const unnamed = hintIn(bundle.verificationMaterial) === '';
  const loose = [
    ...(form === 'old' ? ['the signature is of a form from before 1.0'] : []),
    ...(unnamed && 'publicKeyPem' in trust ? ['the bundle does not name its key'] : []),
  ];
  return { payload: parsed, loose };
}

/** The payload of a bundle without any check: to learn how it wants its files hashed. */
export function peekPayload(text: string): Json | undefined {
  const bundle = parseJson(text);
  if (!isJsonObject(bundle) || !isJsonObject(bundle.dsseEnvelope)) return undefined;
  const payload = bytesOf(bundle.dsseEnvelope.payload);
  return payload === null ? undefined : parseText(payload);
}

function formOf(
  { key, hash }: CurveKey,
  payload: Uint8Array,
  signature: Uint8Array,
): 'new' | 'old' | null {
  const check = (message: Uint8Array, with_: string): boolean =>
    verify(with_, message, { key, dsaEncoding: 'der' }, signature);
  if (check(preAuthentication(payload), hash)) return 'new';
  // Releases before 1.0 signed the Python spelling of the bytes; certificates always SHA-256.
  const old = oldPreAuthentication(payload);
  return check(old, hash) || check(old, 'sha256') ? 'old' : null;
}

function keyOf(material: JsonObject, trust: Trust): CurveKey | EnvelopeError {
  if ('publicKeyPem' in trust) {
    const expected = readPublicKey(trust.publicKeyPem);
    if (!isJsonObject(material.publicKey)) {
      const message = 'expected a bundle signed by a key, got none or a certificate';
      return { code: 'unsupported', message };
    }
    const hint = hintIn(material);
    if (hint === null) return badBundle('"hint" as text');
    // Old bundles name no key; then the signature alone decides.
    if (hint === '' || hint === keyHint(expected.key)) return expected;
    const message = `signed with the key ${hint.slice(0, 64)}, not this one`;
    return { code: 'wrong-key', message };
  }
  const chain = certificatesIn(material);
  if (chain === null) {
    const message = 'expected a bundle signed by a certificate, got none or a key';
    return { code: 'unsupported', message };
  }
  const found = chainKey(chain, trust);
  return typeof found === 'string' ? { code: 'bad-certificate', message: found } : found;
}

/** Empty when the bundle names no key, null when what stands there is no text. */
function hintIn(material: JsonObject): string | null {
  const { hint = '' } = isJsonObject(material.publicKey) ? material.publicKey : {};
  return typeof hint === 'string' ? hint : null;
}

function certificatesIn(material: JsonObject): Uint8Array[] | null {
  const { certificate, x509CertificateChain: chain } = material;
  const list = isJsonObject(chain) ? chain.certificates : [certificate];
  if (!Array.isArray(list) || list.length === 0) return null;
  const found = list.map((each) => (isJsonObject(each) ? bytesOf(each.rawBytes) : null));
  return found.every((each) => each !== null) ? found : null;
}

/** What DSSE signs (PAE). */
function preAuthentication(payload: Uint8Array): Uint8Array {
  return concat([utf8(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

function oldPreAuthentication(payload: Uint8Array): Uint8Array {
  const quote = payload.includes(0x27) && !payload.includes(0x22) ? '"' : "'";
  const escapes = new Map([
    [9, '\\t'],
    [10, '\\n'],
    [13, '\\r'],
    [92, '\\\\'],
    [quote.charCodeAt(0), `\\${quote}`],
  ]);
  const spelt = Array.from(payload, (byte) => {
    const spelling = escapes.get(byte);
    if (spelling !== undefined) return spelling;
    const printable = byte >= 32 && byte < 127;
    return printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  const literal = `b${quote}${spelt.join('')}${quote}`;
  return utf8(`DSSEV1 ${payloadType.length} ${payloadType} ${payload.length} ${literal}`);
}

function badBundle(expected: string): EnvelopeError {
  return { code: 'bad-bundle', message: `bundle expected ${expected}` };
}

function bytesOf(value: Json | undefined): Uint8Array | null {
  return typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? fromBase64(value)
    : null;
}

function parseText(bytes: Uint8Array): Json | undefined {
  try {
    return parseJson(fromUtf8(bytes));
  } catch {
    return undefined;
  }
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
