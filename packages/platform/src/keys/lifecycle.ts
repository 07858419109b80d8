/** The life of object keys: a new key for a version, and the end of one for ever. */
import { isoTime, uuidv7 } from '@merlon/core';
import { rotate } from '@merlon/vault';
import { removeUnused } from '../blob/care.ts';
import { PlatformError } from '../errors.ts';
import type { Actor, Version, VersionFile, WrappedKey } from '../model.ts';
import type { Services } from '../services.ts';

/** Most of the time goes by while the disk confirms a write, so several are under way. */
const filesAtOnce = 16;

/** What a rotation did. */
export interface Rotation {
  readonly keyId: string;
  readonly objects: number;
}

/**
 * Gives a version a fresh key: every object gets a new header, its payload is copied as it is, and
 * the old key is destroyed in the same transaction that names the new objects.
 */
export async function rotateVersion(
  services: Services,
  actor: Actor,
  version: Version,
): Promise<Rotation> {
  const { store, keys, clock, ledger } = services;
  const files = await sealedFiles(services, version);
  const key = await keys.forVersion(version.workspaceId);
  const old = await ownKeys(services, files);
  const rotated: VersionFile[] = [];
  try {
    const secrets = await secretsOf(services, files);
    for (let at = 0; at < files.length; at += filesAtOnce) {
      const group = files.slice(at, at + filesAtOnce);
      const made = await Promise.allSettled(
        group.map((file) => rotatedFile(services, file, { key, secrets })),
      );
      for (const each of made) if (each.status === 'fulfilled') rotated.push(each.value);
      for (const each of made) if (each.status === 'rejected') throw each.reason;
    }
    const at = isoTime(clock.nowMs());
    await store.transaction(async (tx) => {
      const uses = await tx.blobUses(blobsOf(files));
      for (const [i, file] of rotated.entries()) {
        const before = files[i]?.blob ?? '';
        await tx.putFile(file);
        // Whoever shares the object goes on with the new one; the old header ends with the old.
        const isShared = (uses.get(before) ?? 0) > 1;
        if (isShared && before !== file.blob) await tx.moveBlob(before, file.blob);
      }
      for (const keyId of old) await tx.destroyWrappedKey(keyId, at);
      const resource = `version/${version.id}`;
      const detail = { key: key.id, objects: rotated.length };
      await ledger.append(tx, actor, { action: 'key.rotate', resource, detail });
    });
  } catch (error) {
    await removeUnused(services, blobsOf(rotated));
    throw error;
  }
  await removeUnused(services, blobsOf(files));
  return { keyId: key.id, objects: rotated.length };
}

/**
 * Destroys the key of a version: what was sealed to it is unreadable for ever, here and in every
 * copy made of the objects alone. The ledger says so. Throws `bad-request` for another digest than
 * the version's, `conflict` while it is served.
 */
export async function destroyVersion(
  services: Services,
  actor: Actor,
  version: Version,
  digest: string,
): Promise<{ readonly keys: number }> {
  if (version.digest !== digest) {
    throw new PlatformError('bad-request', '"digest" expected that of the version', {
      hint: 'show the version and give its digest, to be sure that it is the right one',
    });
  }
  return destroyContent(services, actor, version, 'asked');
}

/** The same without being asked twice; throws `conflict` while it is served. */
export async function destroyContent(
  services: Services,
  actor: Actor,
  version: Version,
  reason: 'asked' | 'retention',
): Promise<{ readonly keys: number }> {
  const { store, clock, ledger } = services;
  const served = (await store.deployments(version.workspaceId)).some(
    (each) => each.versionId === version.id && each.state === 'active',
  );
  if (served) {
    throw new PlatformError('conflict', 'this version is being served', {
      hint: 'retire it first; what is destroyed cannot be brought back',
    });
  }
  const files = await store.files(version.id);
  const own = await ownKeys(services, files);
  const at = isoTime(clock.nowMs());
  await store.transaction(async (tx) => {
    for (const id of own) await tx.destroyWrappedKey(id, at);
    await tx.updateVersion(version.id, { state: 'retired', destroyedAt: at });
    const resource = `version/${version.id}`;
    const detail = { keys: own, objects: files.length, digest: version.digest, reason };
    await ledger.append(tx, actor, { action: 'key.destroy', resource, detail });
  });
  await removeUnused(services, blobsOf(files));
  return { keys: own.length };
}

function blobsOf(files: readonly VersionFile[]): string[] {
  return files.map((file) => file.blob);
}

async function sealedFiles(services: Services, version: Version): Promise<VersionFile[]> {
  const files = await services.store.files(version.id);
  for (const file of files) {
    if (await isOwnKey(services, file.keyId)) continue;
    throw new PlatformError('not-ready', 'this version is not sealed to a key of its own yet', {
      hint: 'wait for its step "seal"',
    });
  }
  return files;
}

async function ownKeys(services: Services, files: readonly VersionFile[]): Promise<string[]> {
  const own: string[] = [];
  for (const id of new Set(files.map((file) => file.keyId))) {
    if (await isOwnKey(services, id)) own.push(id);
  }
  return own;
}

/** The quarantine's key is shared by all that just came in, so it is never destroyed for one. */
async function isOwnKey({ store }: Services, id: string): Promise<boolean> {
  const key = await store.wrappedKey(id);
  return key !== null && key.purpose === 'version' && key.destroyedAt === null;
}

/** The secrets of all keys that the files are sealed to, by the keys' ids. */
async function secretsOf(
  { store, keys }: Services,
  files: readonly VersionFile[],
): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  for (const id of new Set(files.map((file) => file.keyId))) {
    const key = await store.wrappedKey(id);
    if (key === null) throw new PlatformError('not-found', `key "${id}" is not known`);
    secrets.set(id, await keys.secret(key));
  }
  return secrets;
}

async function rotatedFile(
  { blobs, keys, clock }: Services,
  file: VersionFile,
  of: { readonly key: WrappedKey; readonly secrets: ReadonlyMap<string, string> },
): Promise<VersionFile> {
  if (file.header !== null) {
    // The object's own header is of another version: only the one kept for this one is replaced.
    return { ...file, keyId: of.key.id, header: await keys.headerFor(file, of.key) };
  }
  const source = await blobs.open(file.blob);
  try {
    const blob = uuidv7(clock);
    const identities = [of.secrets.get(file.keyId) ?? ''];
    const recipients = [of.key.publicKey];
    await blobs.put(blob, rotate(source, { identities, recipients }));
    return { ...file, blob, keyId: of.key.id };
  } finally {
    await source.close();
  }
}
