/**
 * Seal: every file of a version is re-encrypted to a key of that version alone, and the whole is
 * signed (OpenSSF Model Signing). The signature is read back and verified before the step ends.
 */
import { hex, sha256, startDigest, utf8, uuidv7 } from '@merlon/core';
import { signManifest, verifyBundle } from '@merlon/vault';
import { piecesOf } from '../blob/blob.ts';
import { removeUnused } from '../blob/care.ts';
import { PlatformError } from '../errors.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { VersionFile, WrappedKey } from '../model.ts';
import type { Services } from '../services.ts';
import { signatureMeta } from '../store/names.ts';
import { shareObject } from './share-object.ts';

/** The step. */
export const sealStep: JobStep = { name: 'seal', perform };

async function perform({ services, version, onProgress, signal }: JobContext): Promise<Outcome> {
  const { store, keys } = services;
  const files = await store.files(version.id);
  const key = await keys.forVersion(version.workspaceId);
  const sealed: VersionFile[] = [];
  let sharedBytes = 0;
  for (const file of files) {
    signal.throwIfAborted();
    onProgress({ label: `sealing ${file.path}`, done: sealed.length, total: files.length });
    const shared = await shareObject(services, file, key);
    if (shared !== null) sharedBytes += shared.bytes;
    sealed.push(shared ?? (await resealed(services, file, key)));
  }
  const signer = await keys.shared(version.workspaceId, 'signing');
  const manifest = sealed.map((file) => ({ name: file.path, digest: file.digest }));
  const modelName = version.id;
  const privateKeyPem = await keys.secret(signer);
  const bundle = signManifest(manifest, { modelName, privateKeyPem });
  const verdict = verifyBundle(bundle, manifest, { publicKeyPem: signer.publicKey, strict: true });
  if (!verdict.valid) {
    const why = verdict.errors.map((error) => error.message).join('; ');
    throw new PlatformError('step-failed', `the signature does not verify: ${why}`);
  }
  const replaced = files.map((file) => file.blob);
  return {
    state: 'done',
    result: {
      recipient: `${key.publicKey.slice(0, 24)}…`,
      keyId: key.id,
      files: sealed.length,
      ...(sharedBytes > 0 ? { sharedBytes } : {}),
      root: verdict.root,
      signed: true,
      signingKey: hex(sha256(utf8(signer.publicKey))).slice(0, 16),
    },
    commit: async (tx) => {
      for (const file of sealed) await tx.putFile(file);
      await tx.setMeta(signatureMeta(version.id), bundle);
    },
    afterCommit: () => removeUnused(services, replaced),
  };
}

/** One file sealed to the version's key, its digest checked on the way. */
async function resealed(
  { keys, blobs, clock }: Services,
  file: VersionFile,
  key: WrappedKey,
): Promise<VersionFile> {
  const clear = await keys.open(file);
  try {
    const hasher = startDigest();
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of piecesOf(clear)) {
        hasher.update(piece);
        yield piece;
      }
    }
    const blob = uuidv7(clock);
    await blobs.put(blob, keys.seal(key, hashed()));
    if (hasher.finish() !== file.digest) {
      await blobs.remove(blob);
      throw new PlatformError('step-failed', `"${file.path}" is not what came in`);
    }
    return { ...file, blob, keyId: key.id, header: null };
  } finally {
    await clear.close();
  }
}
