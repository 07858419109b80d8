/**
 * What an OpenSSF Model Signing 1.0 bundle says: a list of files with their digests, and the root
 * digest over them (specification 1.0, "statement" and "predicate").
 */
import { createHash } from 'node:crypto';
import { type Digest, digestHex, isJsonObject, type Json, toDigest } from '@merlon/core';
import { VaultError } from '../error.ts';

/** One signed file: its path below the model's folder, with `/`, and its SHA-256. */
export interface SignedFile {
  readonly name: string;
  readonly digest: Digest;
}

/** The statement of a bundle, as far as it concerns us. */
export interface Manifest {
  readonly modelName: string;
  readonly root: Digest;
  /** In the order in which they were signed. */
  readonly files: readonly SignedFile[];
  /** Paths that were left out, with all below them. */
  readonly ignorePaths: readonly string[];
}

/** The in-toto payload type of the envelope. */
export const payloadType = 'application/vnd.in-toto+json';
/** What git keeps beside a model; left out unless asked otherwise. */
export const ignorePathsDefault = ['.git', '.gitattributes', '.github', '.gitignore'] as const;

const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://model_signing/signature/v1.0';

/** SHA-256 over the raw digests in the order given. */
export function rootDigest(files: readonly SignedFile[]): Digest {
  const hash = createHash('sha256');
  for (const file of files) hash.update(Buffer.from(digestHex(file.digest), 'hex'));
  return toDigest(hash.digest('hex'));
}

/** The files in the order of the specification: by whole name, by code points. */
export function inSpecificationOrder(files: readonly SignedFile[]): SignedFile[] {
  return [...files].sort((a, b) => compareCodePoints(a.name, b.name));
}

/** True when a path is one of the ignored ones or below one. */
export function isIgnored(name: string, ignorePaths: readonly string[]): boolean {
  return ignorePaths.some((path) => name === path || name.startsWith(`${path}/`));
}

/** The payload of a manifest; throws `bad-manifest` that tells every fault. */
export function writeStatement(manifest: Manifest): string {
  const faults = nameFaults(manifest);
  if (faults.length > 0) throw new VaultError('bad-manifest', faults.join('; '));
  return JSON.stringify({
    _type: statementType,
    subject: [{ name: manifest.modelName, digest: { sha256: digestHex(manifest.root) } }],
    predicateType,
    predicate: {
      serialization: {
        method: 'files',
        hash_type: 'sha256',
        allow_symlinks: false,
        ignore_paths: manifest.ignorePaths,
      },
      resources: manifest.files.map((file) => ({
        name: file.name,
        algorithm: 'sha256',
        digest: digestHex(file.digest),
      })),
    },
  });
}

/** A manifest from a payload, or the sentence that says why it is none. */
export function readStatement(payload: Json): Manifest | string {
  if (!isJsonObject(payload) || payload._type !== statementType) {
    return `payload expected "_type" ${statementType}`;
  }
  if (payload.predicateType !== predicateType) {
    return `payload expected "predicateType" ${predicateType}`;
  }
  const subjects = listOf(payload.subject);
  const [subject] = subjects;
  if (subjects.length !== 1 || !isJsonObject(subject) || typeof subject.name !== 'string') {
    return 'payload expected exactly one subject with a name';
  }
  const root = isJsonObject(subject.digest) ? asDigest(subject.digest.sha256) : null;
  if (root === null) return 'subject expected a sha256 digest';
  return readPredicate(payload.predicate, subject.name, root);
}

function readPredicate(predicate: Json | undefined, modelName: string, root: Digest) {
  if (!isJsonObject(predicate) || !isJsonObject(predicate.serialization)) {
    return 'predicate expected "serialization" and "resources"';
  }
  const { method, hash_type: hashType, ignore_paths: ignored } = predicate.serialization;
  if (method !== 'files' || hashType !== 'sha256') {
    return `serialization expected files with sha256, got ${JSON.stringify([method, hashType])}`;
  }
  const files: SignedFile[] = [];
  const names = new Set<string>();
  for (const resource of listOf(predicate.resources)) {
    const digest = isJsonObject(resource) ? asDigest(resource.digest) : null;
    if (!isJsonObject(resource) || digest === null || resource.algorithm !== 'sha256') {
      return 'resource expected name, algorithm "sha256" and digest';
    }
    if (typeof resource.name !== 'string' || names.has(resource.name)) {
      return `resource expected a name of its own, got ${JSON.stringify(resource.name)}`;
    }
    names.add(resource.name);
    files.push({ name: resource.name, digest });
  }
  if (files.length === 0) return 'predicate expected at least one resource';
  const ignorePaths = listOf(ignored).filter((path) => typeof path === 'string');
  return { modelName, root, files, ignorePaths: ignorePaths.map(withoutSlash) };
}

function nameFaults(manifest: Manifest): string[] {
  const faults: string[] = [];
  if (manifest.modelName === '' || /[/\0]/.test(manifest.modelName)) {
    faults.push(`"modelName" expected a folder's name, got ${JSON.stringify(manifest.modelName)}`);
  }
  if (manifest.files.length === 0) faults.push('expected at least one file, got none');
  const seen = new Set<string>();
  for (const { name } of manifest.files) {
    const steps = name.split('/');
    if (steps.some((step) => step === '' || step === '.' || step === '..') || name.includes('\0')) {
      faults.push(`expected a path below the model's folder, got ${JSON.stringify(name)}`);
    }
    if (!name.isWellFormed()) faults.push(`expected well-formed text, got ${JSON.stringify(name)}`);
    if (seen.has(name)) faults.push(`expected each file once, got ${JSON.stringify(name)} twice`);
    seen.add(name);
  }
  return faults;
}

function compareCodePoints(a: string, b: string): number {
  // Code units would put astral characters before U+E000 … U+FFFF; UTF-8 keeps code points' order.
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function asDigest(value: Json | undefined): Digest | null {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? toDigest(value) : null;
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '');
}
