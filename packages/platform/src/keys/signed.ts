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
  const refuse = async (why: string): Promise<never> => {
    const { store, ledger } = services;
    const workspaceId = (await store.version(file.versionId))?.workspaceId ?? '';
    const resource = `version/${file.versionId}`;
    const detail = { path: file.path.slice(0, 200), why };
    const decision = { action: 'version.tampered', resource, detail };
    await ledger.record(platformActor(workspaceId), decision);
    throw new PlatformError('tampered', `"${file.path}" is not what was signed: ${why}`, {
      hint: 'do not use this version; bring it in again, and find out who changed it',
    });
  };
  const fault = await signatureFault(services, file);
  if (fault !== null) await refuse(fault);
  const clear = await services.keys.open(file);
  try {
    if (clear.size !== file.bytes) await refuse('it has another length');
  } catch (error) {
    await clear.close();
    throw error;
  }
  const confirm = async (): Promise<void> => {
    const hasher = startDigest();
    for await (const piece of piecesOf(clear)) hasher.update(piece);
    if (hasher.finish() !== file.digest) await refuse('its content has another digest');
  };
  const { size, read, close } = clear;
  return { size, read, close, digest: file.digest, confirm };
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
