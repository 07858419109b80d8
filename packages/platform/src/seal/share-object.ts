/**
 * The same content is sealed once in a workspace: a later version gets a header of its own over
 * the object that is there (age v1: header and payload are bound by the file key alone). Each
 * version still has a key of its own, so destroying one of them takes nothing from the others, and
 * content of other workspaces is never looked for: nobody learns what others have.
 */
import { isWhole } from '../blob/care.ts';
import type { VersionFile, WrappedKey } from '../model.ts';
import type { Services } from '../services.ts';

/**
 * The file over the object of another version, written down already; null when no other has this
 * content, whole. What it was sealed in before is to be removed by the caller.
 */
export async function shareObject(
  services: Services,
  file: VersionFile,
  key: WrappedKey,
): Promise<VersionFile | null> {
  const { store, keys } = services;
  for (const twin of await store.sealedFiles(key.workspaceId, file.digest)) {
    if (twin.versionId === file.versionId || !(await isWhole(services, twin))) continue;
    const header = await keys.headerFor(twin, key);
    const shared: VersionFile = { ...file, blob: twin.blob, keyId: key.id, header };
    const isClaimed = await store.transaction(async (tx) => {
      // Its key may have been destroyed, and the object with it, while it was read.
      const now = await tx.sealedFiles(key.workspaceId, file.digest);
      if (!now.some(({ blob }) => blob === twin.blob)) return false;
      await tx.putFile(shared);
      return true;
    });
    if (isClaimed) return shared;
  }
  return null;
}
