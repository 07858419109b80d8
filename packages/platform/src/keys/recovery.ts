/**
 * Recovery: the home key sealed to a key that lies offline, on paper, whole or in shares. With it a
 * home opens when its root key is lost, and backups open on any machine.
 */
import { base64, fromBase64, memorySource, wipe } from '@merlon/core';
import { generateIdentity, openRandomAccess, seal } from '@merlon/vault';
import { PlatformError } from '../errors.ts';
import {
  type HomeRecovery,
  keepHomeKey,
  openHomeKey,
  readHomeFile,
  writeHomeFile,
} from '../home.ts';
import { chooseRootKey, type RootKeySecrets } from './root-keys.ts';

/**
 * Makes a recovery key for a home and forgets it: what comes back is its secret, to be printed. A
 * recovery key made before no longer opens the home as it is from now on.
 */
export async function makeRecovery(folder: string, secrets: RootKeySecrets): Promise<string> {
  const file = readHomeFile(folder);
  const homeKey = await openHomeKey(folder, file, secrets);
  try {
    const { identity, recipient } = await generateIdentity({ postQuantum: true });
    const recovery = { recipient, homeKey: await sealedKey(homeKey, recipient) };
    // Homes of format 1 have no wrapped home key yet; wrapping it makes them homes of today.
    if (file.homeKey === null) {
      await keepHomeKey(folder, homeKey, { setting: file.rootKey, recovery }, secrets);
    } else {
      writeHomeFile(folder, { ...file, recovery });
    }
    return identity;
  } finally {
    wipe(homeKey);
  }
}

/** Opens a home by its recovery key alone and gives it a new root key. */
export async function recoverHome(
  folder: string,
  identity: string,
  to: { readonly rootKey: string; readonly secrets: RootKeySecrets },
): Promise<void> {
  const { recovery } = readHomeFile(folder);
  if (recovery === null) {
    throw new PlatformError('not-ready', 'this home has no recovery key', {
      hint: 'only its root key opens it; make a recovery key now: merlon keys recovery',
    });
  }
  const homeKey = await recoveredKey(recovery, identity);
  try {
    const setting = chooseRootKey(to.rootKey);
    await keepHomeKey(folder, homeKey, { setting, recovery }, to.secrets);
  } finally {
    wipe(homeKey);
  }
}

/** Moves a home to another provider of its root key; nothing else is sealed again. */
export async function moveRootKey(
  folder: string,
  to: string,
  secrets: { readonly from: RootKeySecrets; readonly to: RootKeySecrets },
): Promise<void> {
  const file = readHomeFile(folder);
  const setting = chooseRootKey(to);
  const homeKey = await openHomeKey(folder, file, secrets.from);
  try {
    await keepHomeKey(folder, homeKey, { setting, recovery: file.recovery }, secrets.to);
  } finally {
    wipe(homeKey);
  }
}

/** The home key that was sealed to a recovery recipient; throws `cannot-open`. */
export async function recoveredKey(recovery: HomeRecovery, identity: string): Promise<Uint8Array> {
  const source = memorySource(fromBase64(recovery.homeKey));
  const clear = await openRandomAccess(source, { identities: [identity.trim()] });
  return clear.read(0, clear.size);
}

async function sealedKey(homeKey: Uint8Array, recipient: string): Promise<string> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield homeKey;
  }
  const parts: Uint8Array[] = [];
  for await (const part of seal(once(), { recipients: [recipient] })) parts.push(part);
  return base64(new Uint8Array(Buffer.concat(parts)));
}
