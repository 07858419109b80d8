/**
 * Signing and verifying a folder of files: OpenSSF Model Signing 1.0, a sigstore bundle that holds
 * a DSSE envelope. Only files with SHA-256 and keys are written; resources stand in the order of
 * the specification, and any order is accepted.
 */
import { sign, verify } from 'node:crypto';
import {
  base64,
  concat,
  type Digest,
  fromBase64,
  fromUtf8,
  isJsonObject,
  type Json,
  type JsonObject,
  utf8,
} from '@merlon/core';
import { type CurveKey, keyHint, readPrivateKey, readPublicKey } from './key.ts';
import {
  ignorePathsDefault,
  inSpecificationOrder,
  isIgnored,
  type Manifest,
  payloadType,
  readStatement,
  rootDigest,
  type SignedFile,
  writeStatement,
} from './manifest.ts';

/** How to sign. */
export interface SignOptions {
  /** Name of the model's folder. */
  readonly modelName: string;
  /** PKCS #8 or SEC 1, P-256, P-384 or P-521. */
  readonly privateKeyPem: string;
  /** Paths below the folder to leave out, the signature file among them; git's by default. */
  readonly ignorePaths?: readonly string[];
}

/** How to verify. */
export interface VerifyOptions {
  readonly publicKeyPem: string;
  /** More paths that need not be signed, such as the signature file. */
  readonly ignorePaths?: readonly string[];
  /** Refuses any file that exists without being signed, but for `ignorePaths` given here. */
  readonly strict?: boolean;
}

/** Why a bundle does not hold. */
export type VerifyFault =
  | 'bad-bundle'
  | 'wrong-key'
  | 'bad-signature'
  | 'unsupported'
  | 'wrong-root'
  | 'file-changed'
  | 'file-missing'
  | 'file-added'
  | 'file-ignored';

/** One reason against a bundle. */
export interface VerifyError {
  readonly code: VerifyFault;
  readonly message: string;
  /** The file that it concerns. */
  readonly name?: string;
}

/** The judgement of a bundle. */
export interface BundleVerdict {
  /** True only when nothing at all is wrong. */
  readonly valid: boolean;
  /** The signed root digest; `null` while the signature does not hold. */
  readonly root: Digest | null;
  readonly modelName: string | null;
  /** Number of signed files. */
  readonly files: number;
  /** Files that exist and that the signature leaves out. */
  readonly ignored: readonly string[];
  readonly errors: readonly VerifyError[];
}

const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** The text of a bundle over the files. Throws `bad-manifest` and `bad-key`. */
export function signManifest(files: readonly SignedFile[], options: SignOptions): string {
  const ignorePaths = options.ignorePaths ?? ignorePathsDefault;
  const signed = inSpecificationOrder(files.filter((file) => !isIgnored(file.name, ignorePaths)));
  const payload = utf8(
    writeStatement({
      modelName: options.modelName,
      root: rootDigest(signed),
      files: signed,
      ignorePaths,
    }),
  );
  const { key, hash } = readPrivateKey(options.privateKeyPem);
  const signature = sign(hash, preAuthentication(payload), { key, dsaEncoding: 'der' });
  const bundle = {
    mediaType,
    verificationMaterial: { publicKey: { hint: keyHint(key) }, tlogEntries: [] },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType,
      signatures: [{ sig: base64(signature), keyid: '' }],
    },
  };
  return `${JSON.stringify(bundle)}\n`;
}

/**
 * Judges a bundle against the files that exist now (all of them, in any order). Never throws for
 * what stands in the bundle; throws `bad-key` for a public key that is none.
 */
export function verifyBundle(
  bundleText: string,
  files: readonly SignedFile[],
  options: VerifyOptions,
): BundleVerdict {
  const publicKey = readPublicKey(options.publicKeyPem);
  const opened = openEnvelope(bundleText, publicKey);
  if ('code' in opened) return refused(opened);
  const manifest = readStatement(opened.payload);
  if (typeof manifest === 'string') return refused({ code: 'unsupported', message: manifest });
  const errors: VerifyError[] = [];
  if (rootDigest(manifest.files) !== manifest.root) {
    errors.push({ code: 'wrong-root', message: 'the root digest is not that of the signed list' });
  }
  const ignored = compare(manifest, files, options, errors);
  return {
    valid: errors.length === 0,
    root: manifest.root,
    modelName: manifest.modelName,
    files: manifest.files.length,
    ignored,
    errors,
  };
}

/** What DSSE signs (protocol 1.0.2, PAE). */
function preAuthentication(payload: Uint8Array): Uint8Array {
  return concat([utf8(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

function openEnvelope(text: string, publicKey: CurveKey): { payload: Json } | VerifyError {
  const bundle = parseJson(text);
  if (!isJsonObject(bundle) || bundle.mediaType !== mediaType) {
    return badBundle(`"mediaType" ${mediaType}`);
  }
  const hint = hintOf(bundle.verificationMaterial);
  if (typeof hint !== 'string') return hint;
  if (hint !== '' && hint !== keyHint(publicKey.key)) {
    return { code: 'wrong-key', message: `signed with the key ${hint.slice(0, 64)}, not this one` };
  }
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
  const { key, hash } = publicKey;
  if (!verify(hash, preAuthentication(payload), { key, dsaEncoding: 'der' }, signature)) {
    return { code: 'bad-signature', message: 'the signature is not that of this key and content' };
  }
  const parsed = parseText(payload);
  return parsed === undefined ? badBundle('a payload in JSON') : { payload: parsed };
}

/** The key's hint, empty when an old bundle has none. */
function hintOf(material: Json | undefined): string | VerifyError {
  if (!isJsonObject(material)) return badBundle('"verificationMaterial"');
  if (!isJsonObject(material.publicKey)) {
    const message = 'bundle expected a public key; certificates are not verified here';
    return { code: 'unsupported', message };
  }
  const { hint = '' } = material.publicKey as JsonObject;
  return typeof hint === 'string' ? hint : badBundle('"hint" as text');
}

function compare(
  manifest: Manifest,
  files: readonly SignedFile[],
  options: VerifyOptions,
  errors: VerifyError[],
): string[] {
  const allowed = options.ignorePaths ?? [];
  const present = new Map(files.map((file) => [file.name, file.digest]));
  const signed = new Set(manifest.files.map((file) => file.name));
  const ignored: string[] = [];
  for (const { name, digest } of manifest.files) {
    const now = present.get(name);
    if (now === undefined) errors.push({ code: 'file-missing', message: 'missing', name });
    else if (now !== digest) errors.push({ code: 'file-changed', message: 'changed', name });
  }
  for (const name of [...present.keys()].sort()) {
    if (signed.has(name)) continue;
    if (isIgnored(name, allowed)) ignored.push(name);
    else if (!isIgnored(name, manifest.ignorePaths)) {
      errors.push({ code: 'file-added', message: 'not signed', name });
    } else {
      ignored.push(name);
      if (options.strict === true) {
        errors.push({ code: 'file-ignored', message: 'left out of the signature', name });
      }
    }
  }
  return ignored;
}

function refused(error: VerifyError): BundleVerdict {
  return { valid: false, root: null, modelName: null, files: 0, ignored: [], errors: [error] };
}

function badBundle(expected: string): VerifyError {
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
