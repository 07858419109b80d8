/**
 * Signing and verifying a folder of files: OpenSSF Model Signing 1.0, a sigstore bundle that holds
 * a DSSE envelope. Only files with SHA-256 are written, in the order of the specification; read is
 * whatever the reference implementation has ever written, in any order.
 */
import type { Digest } from '@merlon/core';
import { type EnvelopeError, openEnvelope, peekPayload, signEnvelope, type Trust } from './dsse.ts';
import {
  fileOf,
  type Hashing,
  hashingDefault,
  ignorePathsDefault,
  inSpecificationOrder,
  isIgnored,
  type Manifest,
  readStatement,
  rootDigest,
  type SignedFile,
  writeStatement,
} from './manifest.ts';
import { keySigner, type Signer } from './signer.ts';

/** How to sign. */
export type SignOptions = {
  /** Name of the model's folder. */
  readonly modelName: string;
  /** Paths below the folder to leave out, the signature file among them; git's by default. */
  readonly ignorePaths?: readonly string[];
} & (
  | {
      /** PKCS #8 or SEC 1, P-256, P-384 or P-521. */
      readonly privateKeyPem: string;
    }
  | {
      /** A signer with certificates, or one whose key is elsewhere. */
      readonly signer: Signer;
    }
);

/** How to verify. */
export type VerifyOptions = Trust & {
  /** More paths that need not be signed, such as the signature file. */
  readonly ignorePaths?: readonly string[];
  /**
   * Refuses what the standard forbids and its reference implementation lets pass: files that exist
   * without being signed (but for `ignorePaths` given here), empty ones among shards, bundles that
   * do not name their key, unknown members, forms from before 1.0.
   */
  readonly strict?: boolean;
  /** Names of all files, where `files` holds shards: an empty file has none. */
  readonly present?: readonly string[];
};

/** Why a bundle does not hold. */
export type VerifyFault =
  | EnvelopeError['code']
  | 'not-strict'
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
  /** Number of signed files, or shards of them. */
  readonly files: number;
  /** Files that exist and that the signature leaves out. */
  readonly ignored: readonly string[];
  readonly errors: readonly VerifyError[];
}

/** The text of a bundle over the files. Throws `bad-manifest` and `bad-key`. */
export function signManifest(files: readonly SignedFile[], options: SignOptions): string {
  const ignorePaths = options.ignorePaths ?? ignorePathsDefault;
  const signed = inSpecificationOrder(files.filter((file) => !isIgnored(file.name, ignorePaths)));
  const signer = 'signer' in options ? options.signer : keySigner(options.privateKeyPem);
  const payload = writeStatement({
    modelName: options.modelName,
    root: rootDigest(signed),
    files: signed,
    ignorePaths,
  });
  return signEnvelope(payload, signer);
}

/** How a bundle wants its files hashed before `verifyBundle`; nothing of it is verified yet. */
export function bundleHashing(bundleText: string): Hashing {
  const payload = peekPayload(bundleText);
  const manifest = payload === undefined ? '' : readStatement(payload);
  return typeof manifest === 'string' ? hashingDefault : manifest.hashing;
}

/**
 * Judges a bundle against the files that exist now (all of them, in any order). Never throws for
 * what stands in the bundle; throws `bad-key` for a trusted key or certificate that is none.
 */
export function verifyBundle(
  bundleText: string,
  files: readonly SignedFile[],
  options: VerifyOptions,
): BundleVerdict {
  const opened = openEnvelope(bundleText, options);
  if ('code' in opened) return refused(opened);
  const manifest = readStatement(opened.payload);
  if (typeof manifest === 'string') return refused({ code: 'unsupported', message: manifest });
  const errors: VerifyError[] = [];
  if (rootDigest(manifest.files) !== manifest.root) {
    errors.push({ code: 'wrong-root', message: 'the root digest is not that of the signed list' });
  }
  if (options.strict === true) {
    const loose = [...manifest.loose, ...opened.loose];
    errors.push(...loose.map((message) => ({ code: 'not-strict' as const, message })));
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

function compare(
  manifest: Manifest,
  files: readonly SignedFile[],
  options: VerifyOptions,
  errors: VerifyError[],
): string[] {
  const allowed = options.ignorePaths ?? [];
  const { hashing } = manifest;
  const present = new Map(files.map((file) => [file.name, file.digest]));
  const signed = new Set(manifest.files.map((file) => file.name));
  const signedFiles = new Set(manifest.files.map((file) => fileOf(file.name, hashing)));
  for (const { name, digest } of manifest.files) {
    const now = present.get(name);
    if (now === undefined) errors.push({ code: 'file-missing', message: 'missing', name });
    else if (now !== digest) errors.push({ code: 'file-changed', message: 'changed', name });
  }
  const ignored: string[] = [];
  const unsigned = [...present.keys()].filter((name) => !signed.has(name));
  const empty = (options.present ?? []).filter((name) => !signedFiles.has(name));
  for (const name of [...new Set([...unsigned, ...empty])].sort()) {
    const path = present.has(name) ? fileOf(name, hashing) : name;
    if (isIgnored(path, allowed)) ignored.push(name);
    else if (isIgnored(path, manifest.ignorePaths)) {
      ignored.push(name);
      if (options.strict === true) {
        errors.push({ code: 'file-ignored', message: 'left out of the signature', name });
      }
    } else if (present.has(name) || options.strict === true) {
      errors.push({ code: 'file-added', message: 'not signed', name });
    }
  }
  return ignored;
}

function refused(error: VerifyError): BundleVerdict {
  return { valid: false, root: null, modelName: null, files: 0, ignored: [], errors: [error] };
}
