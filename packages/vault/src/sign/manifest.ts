/**
 * What an OpenSSF Model Signing 1.0 bundle says: a list of files with their digests, and the root
 * digest over them (specification 1.0, "statement" and "predicate").
 */
import { createHash } from 'node:crypto';
import {
  type Digest,
  digestHex,
  isJsonObject,
  type Json,
  type JsonObject,
  toDigest,
} from '@merlon/core';
import { VaultError } from '../error.ts';

/** One signed file: its path below the model's folder, with `/`, and its digest. */
export interface SignedFile {
  /** For a shard of a file: the path, the first byte and the one behind the last, with colons. */
  readonly name: string;
  /** `sha256:` and hexadecimal; bundles of others may use `blake2b:` or `blake3:`. */
  readonly digest: string;
}

/** How the files of a bundle are hashed. */
export interface Hashing {
  readonly algorithm: 'sha256' | 'blake2b' | 'blake3';
  /** Bytes of a shard; null when whole files are hashed. */
  readonly shardBytes: number | null;
  /** True when links to files were followed. */
  readonly allowSymlinks: boolean;
}

/** What is always written, and most of what is read. */
export const hashingDefault: Hashing = {
  algorithm: 'sha256',
  shardBytes: null,
  allowSymlinks: false,
};

/** The statement of a bundle, as far as it concerns us. */
export interface Manifest {
  readonly modelName: string;
  readonly root: Digest;
  /** In the order in which they were signed. */
  readonly files: readonly SignedFile[];
  /** Paths that were left out, with all below them. */
  readonly ignorePaths: readonly string[];
  readonly hashing: Hashing;
  /** What the standard does not know or no longer writes; a strict reader refuses it. */
  readonly loose: readonly string[];
}

/** What is written: the rest of a manifest follows from it. */
export type NewManifest = Omit<Manifest, 'hashing' | 'loose'>;

/** What git keeps beside a model; left out unless asked otherwise. */
export const ignorePathsDefault = ['.git', '.gitattributes', '.github', '.gitignore'] as const;

const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://model_signing/signature/v1.0';
/** Written before 1.0: every file is a subject, there is no root and no way of hashing. */
const oldPredicateType = 'https://model_signing/Digests/v0.1';
const algorithms = { sha256: 64, blake2b: 128, blake3: 64 } as const;

/** SHA-256 over the raw digests in the order given. */
export function rootDigest(files: readonly SignedFile[]): Digest {
  const hash = createHash('sha256');
  for (const file of files) hash.update(Buffer.from(hexOf(file.digest), 'hex'));
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

/** The file of a resource: shards carry their range behind the name. */
export function fileOf(name: string, hashing: Hashing): string {
  return hashing.shardBytes === null ? name : name.replace(/:\d+:\d+$/, '');
}

/** The payload of a manifest; throws `bad-manifest` that tells every fault. */
export function writeStatement(manifest: NewManifest): string {
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
        digest: hexOf(file.digest),
      })),
    },
  });
}

/** A manifest from a payload, or the sentence that says why it is none. */
export function readStatement(payload: Json): Manifest | string {
  if (!isJsonObject(payload) || payload._type !== statementType) {
    return `payload expected "_type" ${statementType}`;
  }
  if (payload.predicateType === oldPredicateType) return readOldStatement(payload);
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

function readPredicate(
  predicate: Json | undefined,
  modelName: string,
  root: Digest,
): Manifest | string {
  if (!isJsonObject(predicate) || !isJsonObject(predicate.serialization)) {
    return 'predicate expected "serialization" and "resources"';
  }
  const hashing = hashingOf(predicate.serialization);
  if (typeof hashing === 'string') return hashing;
  const files: SignedFile[] = [];
  const names = new Set<string>();
  for (const resource of listOf(predicate.resources)) {
    const digest = isJsonObject(resource) ? resourceDigest(resource, hashing) : null;
    if (!isJsonObject(resource) || digest === null) {
      return `resource expected name, algorithm "${hashing.algorithm}" and digest`;
    }
    if (typeof resource.name !== 'string' || names.has(resource.name)) {
      return `resource expected a name of its own, got ${JSON.stringify(resource.name)}`;
    }
    names.add(resource.name);
    files.push({ name: resource.name, digest });
  }
  if (files.length === 0) return 'predicate expected at least one resource';
  const ignored = listOf(predicate.serialization.ignore_paths);
  const ignorePaths = ignored.filter((path) => typeof path === 'string').map(withoutSlash);
  return { modelName, root, files, ignorePaths, hashing, loose: unknownMembers(predicate) };
}

function readOldStatement(payload: JsonObject): Manifest | string {
  const files: SignedFile[] = [];
  for (const subject of listOf(payload.subject)) {
    const digest =
      isJsonObject(subject) && isJsonObject(subject.digest)
        ? asDigest(subject.digest.sha256)
        : null;
    if (!isJsonObject(subject) || typeof subject.name !== 'string' || digest === null) {
      return 'subject expected a name and a sha256 digest';
    }
    files.push({ name: subject.name, digest });
  }
  if (files.length === 0) return 'payload expected at least one subject';
  return {
    modelName: '',
    root: rootDigest(files),
    files,
    ignorePaths: [],
    hashing: hashingDefault,
    loose: ['the statement is of a form from before 1.0'],
  };
}

function unknownMembers(predicate: JsonObject): string[] {
  const known = ['serialization', 'resources'];
  const unknown = Object.keys(predicate).filter((key) => !known.includes(key));
  return unknown.map((key) => `the predicate has an unknown member "${key.slice(0, 40)}"`);
}

/** How a serialization hashes, or the sentence that says why it is not understood. */
function hashingOf(serialization: JsonObject): Hashing | string {
  const { method, hash_type: hashType, shard_size: shardSize } = serialization;
  const algorithm = (['sha256', 'blake2b', 'blake3'] as const).find((each) => each === hashType);
  const shards = method === 'shards' && Number.isSafeInteger(shardSize) && Number(shardSize) > 0;
  if (algorithm === undefined || (method !== 'files' && !shards)) {
    const got = JSON.stringify([method, hashType]);
    return `serialization expected files or shards with sha256, blake2b or blake3, got ${got}`;
  }
  const allowSymlinks = serialization.allow_symlinks === true;
  return { algorithm, shardBytes: shards ? Number(shardSize) : null, allowSymlinks };
}

/** Shards are spelt two ways: by the standard as the hash, by its reference with their size. */
function resourceDigest(resource: JsonObject, hashing: Hashing): string | null {
  const { algorithm, digest } = resource;
  const spelt =
    algorithm === hashing.algorithm ||
    (hashing.shardBytes !== null &&
      algorithm === `${hashing.algorithm}-sharded-${hashing.shardBytes}`);
  const length = algorithms[hashing.algorithm];
  const sound = typeof digest === 'string' && new RegExp(`^[0-9a-f]{${length}}$`).test(digest);
  return spelt && sound ? `${hashing.algorithm}:${digest}` : null;
}

function nameFaults(manifest: NewManifest): string[] {
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

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '');
}
