/**
 * Intake: a version is an immutable set of files named by digest. Uploads stream through a hash
 * and the quarantine key into the blob store; no clear byte touches the disk.
 */
import { type Clock, InputError, isoTime, startDigest, uuidv7 } from '@merlon/core';
import { rootDigest } from '@merlon/vault';
import { PlatformError } from '../errors.ts';
import type { Actor, Artifact, ArtifactKind, Version, VersionFile } from '../model.ts';
import type { Services } from '../services.ts';
import type { Store } from '../store/store.ts';

/** Limits of what comes in. */
export interface IntakeLimits {
  readonly fileBytesMax: number;
  readonly filesMax: number;
}

/** Defaults: 64 GiB a file, 10,000 files a version. */
export const intakeLimits: IntakeLimits = { fileBytesMax: 64 * 1024 ** 3, filesMax: 10_000 };

/** Finds the artifact of that name or makes it. */
export async function ensureArtifact(
  services: Services,
  actor: Actor,
  wanted: { readonly kind: ArtifactKind; readonly name: string },
): Promise<Artifact> {
  const { store, ledger, clock } = services;
  checkName(wanted.name);
  const { workspaceId } = actor;
  const found = await store.artifactByName(workspaceId, wanted.kind, wanted.name);
  if (found !== null) return found;
  const createdAt = isoTime(clock.nowMs());
  const id = uuidv7(clock);
  const artifact: Artifact = { id, workspaceId, ...wanted, createdBy: actor.id, createdAt };
  await store.transaction(async (tx) => {
    await tx.addArtifact(artifact);
    const resource = `${wanted.kind}/${id}`;
    const detail = { name: wanted.name };
    await ledger.append(tx, actor, { action: `${wanted.kind}.create`, resource, detail });
  });
  return artifact;
}

/** Begins a version; files are put into it until it is completed. */
export async function beginVersion(
  services: Services,
  actor: Actor,
  artifact: Artifact,
  parentId: string | null = null,
): Promise<Version> {
  const { store, clock, bus } = services;
  const version = await store.transaction(async (tx) => {
    const draft = await draftOf(tx, clock, { artifact, parentId, broughtBy: actor.id });
    await tx.addVersion(draft);
    return draft;
  });
  const { id, createdAt: startedAt } = version;
  await store.putStep({
    versionId: id,
    step: 'intake',
    state: 'running',
    startedAt,
    finishedAt: null,
    result: {},
  });
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id });
  return version;
}

async function draftOf(
  tx: Store,
  clock: Clock,
  of: { artifact: Artifact; parentId: string | null; broughtBy: string },
): Promise<Version> {
  const last = (await tx.versions(of.artifact.id)).at(-1);
  return {
    id: uuidv7(clock),
    workspaceId: of.artifact.workspaceId,
    artifactId: of.artifact.id,
    number: (last?.number ?? 0) + 1,
    parentId: of.parentId,
    state: 'draft',
    digest: null,
    bytes: 0,
    broughtBy: of.broughtBy,
    createdAt: isoTime(clock.nowMs()),
    retainUntil: null,
    destroyedAt: null,
  };
}

/** Streams one file into a draft; a file of the same path is replaced. */
export async function putFile(
  services: Services,
  version: Version,
  file: { readonly path: string; readonly chunks: AsyncIterable<Uint8Array> },
  limits: IntakeLimits = intakeLimits,
): Promise<VersionFile> {
  const { store, blobs, keys, clock } = services;
  if (version.state !== 'draft') throw immutable();
  const path = checkPath(file.path);
  const present = await store.files(version.id);
  if (present.length >= limits.filesMax && !present.some((each) => each.path === path)) {
    throw new InputError('too-large', `a version expects at most ${limits.filesMax} files`);
  }
  const key = await keys.shared(version.workspaceId, 'quarantine');
  const hasher = startDigest();
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.chunks) {
      bytes += chunk.length;
      if (bytes > limits.fileBytesMax) {
        throw new InputError('too-large', `a file expects at most ${limits.fileBytesMax} bytes`);
      }
      hasher.update(chunk);
      yield chunk;
    }
  }
  const blob = uuidv7(clock);
  await blobs.put(blob, keys.seal(key, counted()));
  const digest = hasher.finish();
  const content = { path, digest, bytes, blob, keyId: key.id };
  const stored: VersionFile = { versionId: version.id, ...content, header: null };
  await store.putFile(stored);
  const replaced = present.find((each) => each.path === path);
  if (replaced !== undefined) await blobs.remove(replaced.blob);
  return stored;
}

/** Makes a draft immutable under its root digest; the journey goes on by itself from here. */
export async function completeVersion(
  services: Services,
  actor: Actor,
  version: Version,
): Promise<Version> {
  const { store, ledger, clock, bus } = services;
  if (version.state !== 'draft') throw immutable();
  const files = await store.files(version.id);
  if (files.length === 0) {
    throw new PlatformError('bad-request', 'a version expects at least one file, got none', {
      hint: 'upload the files first, then complete the version',
    });
  }
  const digest = rootDigest(files.map((file) => ({ name: file.path, digest: file.digest })));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const finishedAt = isoTime(clock.nowMs());
  const complete: Version = { ...version, state: 'complete', digest, bytes };
  await store.transaction(async (tx) => {
    await tx.updateVersion(version.id, { state: 'complete', digest, bytes });
    const result = { files: files.length, bytes, digest };
    await tx.putStep({
      versionId: version.id,
      step: 'intake',
      state: 'done',
      startedAt: version.createdAt,
      finishedAt,
      result,
    });
    const resource = `version/${version.id}`;
    await ledger.append(tx, actor, { action: 'step.intake', resource, detail: result });
  });
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  return complete;
}

function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) {
    throw new PlatformError(
      'bad-request',
      `"name" expected lower-case letters, digits, dots, dashes, got "${name.slice(0, 80)}"`,
      { hint: 'choose a name such as "fraud-scorer"' },
    );
  }
}

/** A relative path of plain segments; anything else could climb out of its folder later. */
function checkPath(path: string): string {
  const segments = path.split('/');
  const plain = segments.every(
    (segment) => /^[^\\\p{Cc}]{1,255}$/u.test(segment) && segment !== '.' && segment !== '..',
  );
  if (!plain || path.length > 1024) {
    throw new PlatformError(
      'bad-request',
      `"path" expected a relative path, got "${path.slice(0, 80)}"`,
    );
  }
  return path;
}

function immutable(): PlatformError {
  return new PlatformError('conflict', 'this version is complete and takes no more files', {
    hint: 'begin a new version',
  });
}
