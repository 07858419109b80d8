/**
 * What a step or a server loads is what was signed: the signature is verified before the first
 * byte, and the bytes are hashed while they are decrypted, so that the last of them is not handed
 * out unless all of them are right.
 */
import { type Digest, type Hasher, startDigest } from '@merlon/core';
import { verifyBundle } from '@merlon/vault';
import type { OpenSource } from '../blob/blob.ts';
import { PlatformError } from '../errors.ts';
import type { VersionFile } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import { signatureMeta } from '../store/names.ts';

/**
 * Opens a file of a version to be read from its beginning to its end, by any number of readers.
 * Throws `tampered` (and tells the ledger) where the signature does not hold or the content is not
 * the signed one. A version that is not sealed yet has no signature; its digests count.
 */
export async function openSigned(services: Services, file: VersionFile): Promise<OpenSource> {
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
    const checked = inOrder(clear, file.digest, () => refuse('its content has another digest'));
    return { ...checked, close: () => clear.close() };
  } catch (error) {
    await clear.close();
    throw error;
  }
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

/**
 * A source that hashes what is read. Readers at the same place are alike, so each read takes up
 * any hash that stands where it begins.
 */
function inOrder(
  clear: OpenSource,
  digest: Digest,
  refuse: () => Promise<never>,
): Pick<OpenSource, 'size' | 'read'> {
  const standing = new Map<number, Hasher[]>();
  return {
    size: clear.size,
    read: async (offset, length) => {
      const hasher = offset === 0 ? startDigest() : standing.get(offset)?.pop();
      if (hasher === undefined) {
        throw new PlatformError('internal', `signed content was read at ${offset} out of order`);
      }
      const bytes = await clear.read(offset, length);
      hasher.update(bytes);
      const at = offset + bytes.length;
      if (at < clear.size) standing.set(at, [...(standing.get(at) ?? []), hasher]);
      else if (hasher.finish() !== digest) return refuse();
      return bytes;
    },
  };
}
