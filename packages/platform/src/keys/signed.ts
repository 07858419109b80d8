/**
 * What a step or a server loads is what was signed: the signature is verified before the first
 * byte, and whoever reads the bytes hashes them on the way and compares before using any.
 */
import { startDigest } from '@merlon/core';
import { verifyBundle } from '@merlon/vault';
import { type OpenSource, piecesOf } from '../blob/blob.ts';
import type { WorkerSource } from '../confine/worker.ts';
import { PlatformError } from '../errors.ts';
import type { VersionFile } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import { signatureMeta } from '../store/names.ts';

/** A source for a confined worker, which takes nothing that was not signed. */
export type SignedSource = OpenSource & Required<WorkerSource>;

/**
 * Opens a file of a version. Throws `tampered` (and tells the ledger) where the signature does not
 * hold or the length is not the signed one; the content is compared by the worker that reads it. A
 * version that is not sealed yet has no signature; its digests count.
 */
export async function openSigned(services: Services, file: VersionFile): Promise<SignedSource> {
  const fault = await signatureFault(services, file);
  if (fault !== null) await refuse(services, file, fault);
  const clear = await services.keys.open(file);
  try {
    if (clear.size !== file.bytes) await refuse(services, file, 'it has another length');
  } catch (error) {
    await clear.close();
    throw error;
  }
  const { size, read, close } = clear;
  const { digest } = file;
  return { size, read, close, digest, confirm: () => confirmDigest(services, file) };
}

/**
 * The same for many small files of one version: the signature is verified once, and each is open
 * only while it is read, since there may be more of them than can be open.
 */
export async function openSignedMany(
  services: Services,
  files: readonly VersionFile[],
): Promise<SignedSource[]> {
  const [first] = files;
  if (first === undefined) return [];
  const fault = await signatureFault(services, first);
  if (fault !== null) await refuse(services, first, fault);
  return files.map((file) => ({
    size: file.bytes,
    digest: file.digest,
    read: async (offset, length) => {
      const clear = await services.keys.open(file);
      return clear.read(offset, length).finally(() => clear.close());
    },
    confirm: () => confirmDigest(services, file),
    close: async () => undefined,
  }));
}

async function confirmDigest(services: Services, file: VersionFile): Promise<void> {
  const clear = await services.keys.open(file);
  const hasher = startDigest();
  try {
    for await (const piece of piecesOf(clear)) hasher.update(piece);
  } finally {
    await clear.close();
  }
  if (hasher.finish() !== file.digest) {
    await refuse(services, file, 'its content has another digest');
  }
}

async function refuse({ store, ledger }: Services, file: VersionFile, why: string): Promise<never> {
  const workspaceId = (await store.version(file.versionId))?.workspaceId ?? '';
  const resource = `version/${file.versionId}`;
  const detail = { path: file.path.slice(0, 200), why };
  const decision = { action: 'version.tampered', resource, detail };
  await ledger.record(platformActor(workspaceId), decision);
  throw new PlatformError('tampered', `"${file.path}" is not what was signed: ${why}`, {
    hint: 'do not use this version; bring it in again, and find out who changed it',
  });
}

/** What is wrong with the signature over the version of a file; null when it holds. */
async function signatureFault({ store }: Services, file: VersionFile): Promise<string | null> {
  const key = await store.wrappedKey(file.keyId);
  if (key?.purpose !== 'version') return null;
  const bundle = await store.meta(signatureMeta(file.versionId));
  if (bundle === null) return 'the signature is missing';
  const files = await store.files(file.versionId);
  const manifest = files.map(({ path, digest }) => ({ name: path, digest }));
  const keys = await store.wrappedKeys(key.workspaceId);
  const signer = keys.find(({ purpose }) => purpose === 'signing');
  const trust = { publicKeyPem: signer?.publicKey ?? '', strict: true };
  const { errors } = verifyBundle(bundle, manifest, trust);
  return errors[0]?.message ?? null;
}
