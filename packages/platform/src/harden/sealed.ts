/** Bytes that hardening makes, sealed as a file of a version. */
import { digestOf, memorySource, uuidv7 } from '@merlon/core';
import { piecesOf } from '../blob/blob.ts';
import type { VersionFile, WrappedKey } from '../model.ts';
import type { Services } from '../services.ts';

/** Seals bytes to a key as an object of their own. */
export async function sealedFile(
  { keys, blobs, clock }: Pick<Services, 'keys' | 'blobs' | 'clock'>,
  key: WrappedKey,
  of: { readonly versionId: string; readonly path: string; readonly bytes: Uint8Array },
): Promise<VersionFile> {
  const { versionId, path, bytes } = of;
  const blob = uuidv7(clock);
  await blobs.put(blob, keys.seal(key, piecesOf(memorySource(bytes))));
  const digest = digestOf(bytes);
  return { versionId, path, digest, bytes: bytes.length, blob, keyId: key.id, header: null };
}
