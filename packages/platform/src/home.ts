/**
 * The home folder: one encrypted database, sealed objects, and (unless the root key is elsewhere)
 * the root key file. `merlon.json` holds nothing secret: the format, how to come by the root key,
 * and the home key wrapped by it.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  base64,
  fromBase64,
  isJsonObject,
  type JsonObject,
  messageOf,
  secureBytes,
  wipe,
} from '@merlon/core';
import { localProvider, type RootKeyProvider } from '@merlon/vault';
import { diskFault, PlatformError } from './errors.ts';
import {
  chooseRootKey,
  keyFileName,
  newKeyFile,
  openRootKey,
  type RootKeySecrets,
  type RootKeySetting,
  readRootKeySetting,
} from './keys/root-keys.ts';

/** Homes of format 1 have no home key: their root key stands in its place. */
const formatNow = 2;
const homeKeyContext = 'home-key';
const descriptorName = 'merlon.json';
const newDatabaseKey = { databaseKey: 0, databaseKeyNext: null } as const;

/** What `merlon.json` says. */
export interface HomeFile {
  readonly format: number;
  readonly rootKey: RootKeySetting;
  /** The home key, wrapped by the root key; null in homes of format 1. */
  readonly homeKey: string | null;
  /** Which key the embedded database has, counted from 0. */
  readonly databaseKey: number;
  /** The key that it is being given; null when it is not. */
  readonly databaseKeyNext: number | null;
  /** For whom the home key was sealed besides, to be opened without the root key. */
  readonly recovery: HomeRecovery | null;
}

/** The home key, sealed to a recovery recipient. */
export interface HomeRecovery {
  readonly recipient: string;
  /** An age file in base64. */
  readonly homeKey: string;
}

/** An opened home. */
export interface Home {
  readonly folder: string;
  readonly rootKey: RootKeyProvider;
  /** True when this call made it. */
  readonly isNew: boolean;
  /** Path of the root key file, or null when the root key is elsewhere. */
  readonly keyFile: string | null;
  readonly databasePath: string;
  readonly blobFolder: string;
}

/** How to open a home. */
export interface HomeOptions extends RootKeySecrets {
  /**
   * Where a new home keeps its root key (default: a passphrase when one is given, else a file).
   */
  readonly newRootKey?: string;
}

/** Opens the home in a folder, or makes it; throws one sentence for whatever can be wrong. */
export async function openHome(folder: string, options: HomeOptions = {}): Promise<Home> {
  const path = resolve(folder);
  makeFolder(path);
  const isNew = !existsSync(join(path, descriptorName));
  if (isNew) await makeHome(path, options);
  const file = readHomeFile(path);
  const homeKey = await openHomeKey(path, file, options);
  return {
    folder: path,
    rootKey: localProvider('home', homeKey),
    isNew,
    keyFile: file.rootKey.provider === 'key-file' ? join(path, keyFileName) : null,
    databasePath: join(path, 'merlon.db'),
    blobFolder: join(path, 'blobs'),
  };
}

/** The home key of a home; the caller wipes it. */
export async function openHomeKey(
  path: string,
  file: HomeFile,
  secrets: RootKeySecrets,
): Promise<Uint8Array> {
  const wrapper = await openRootKey(file.rootKey, path, secrets);
  try {
    if (file.homeKey !== null)
      return await wrapper.unwrap(fromBase64(file.homeKey), homeKeyContext);
    if (!('rootKey' in wrapper)) throw unusable(path);
    return (wrapper as { readonly rootKey: () => Uint8Array }).rootKey();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'cannot-open')) throw error;
    throw new PlatformError('wrong-passphrase', 'the root key does not open this home', {
      hint: 'give the passphrase or key that this home was made with',
      cause: error,
    });
  } finally {
    wrapper.close();
  }
}

/** Wraps a home key by a provider and writes the home's description with it. */
export async function keepHomeKey(
  path: string,
  homeKey: Uint8Array,
  to: { readonly setting: RootKeySetting; readonly recovery: HomeRecovery | null },
  secrets: RootKeySecrets,
): Promise<void> {
  const keyFile = join(path, keyFileName);
  const usesFile = to.setting.provider === 'key-file';
  if (usesFile && !existsSync(keyFile)) writeDurably(keyFile, newKeyFile());
  const wrapper = await openRootKey(to.setting, path, secrets);
  const wrapped = base64(await wrapper.wrap(homeKey, homeKeyContext));
  wrapper.close();
  const isNew = !existsSync(join(path, descriptorName));
  const { databaseKey, databaseKeyNext } = isNew ? newDatabaseKey : readHomeFile(path);
  // Written last: a home without it was never finished and is simply made again.
  writeHomeFile(path, {
    format: formatNow,
    databaseKey,
    databaseKeyNext,
    rootKey: to.setting,
    homeKey: wrapped,
    recovery: to.recovery,
  });
  if (!usesFile) rmSync(keyFile, { force: true });
}

/** Reads `merlon.json`; throws `home-unusable` or `newer-home`. */
export function readHomeFile(path: string): HomeFile {
  const descriptor = join(path, descriptorName);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(descriptor, 'utf8'));
  } catch (cause) {
    throw new PlatformError('home-unusable', `"${descriptor}" cannot be read`, {
      hint: 'restore it from a backup; it holds no secrets, but without it the key is not found',
      cause,
    });
  }
  if (!isJsonObject(value) || typeof value.format !== 'number' || !isJsonObject(value.rootKey)) {
    throw unusable(path);
  }
  if (value.format > formatNow) {
    const got = `expected home format ${formatNow} or older, got ${value.format}`;
    throw new PlatformError('newer-home', got, { hint: 'start the newer Merlon that wrote it' });
  }
  const { recovery } = value;
  return {
    format: value.format,
    rootKey: readRootKeySetting(value.rootKey, value.passphrase),
    homeKey: typeof value.homeKey === 'string' ? value.homeKey : null,
    databaseKey: typeof value.databaseKey === 'number' ? value.databaseKey : 0,
    databaseKeyNext: typeof value.databaseKeyNext === 'number' ? value.databaseKeyNext : null,
    recovery: isJsonObject(recovery) ? recoveryOf(recovery) : null,
  };
}

/** Writes `merlon.json` whole or not at all. */
export function writeHomeFile(path: string, file: HomeFile): void {
  writeDurably(join(path, descriptorName), `${JSON.stringify(file, null, 2)}\n`);
}

function recoveryOf(value: JsonObject): HomeRecovery | null {
  const { recipient, homeKey } = value;
  return typeof recipient === 'string' && typeof homeKey === 'string'
    ? { recipient, homeKey }
    : null;
}

function unusable(path: string): PlatformError {
  const descriptor = join(path, descriptorName);
  return new PlatformError('home-unusable', `"${descriptor}" is not a home's description`, {
    hint: 'choose another folder with --home',
  });
}

async function makeHome(path: string, options: HomeOptions): Promise<void> {
  const kind = options.newRootKey ?? (options.passphrase === undefined ? 'key-file' : 'passphrase');
  const homeKey = secureBytes(32);
  try {
    await keepHomeKey(path, homeKey, { setting: chooseRootKey(kind), recovery: null }, options);
  } finally {
    wipe(homeKey);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const fault = diskFault(cause);
    if (fault instanceof PlatformError && fault.code === 'no-space') throw fault;
    throw new PlatformError(
      'home-unusable',
      `cannot use "${path}" as home: ${reasonOf(cause, path)}`,
      {
        hint: 'choose a writable folder with --home',
        cause,
      },
    );
  }
}

/** Node says "no such file" of a folder that a read-only parent does not let it make. */
function reasonOf(cause: unknown, path: string): string {
  const parent = dirname(path);
  if (existsSync(path) || !existsSync(parent)) return messageOf(cause);
  try {
    accessSync(parent, constants.W_OK);
    return messageOf(cause);
  } catch (reason) {
    return messageOf(reason);
  }
}

function writeDurably(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  const handle = openSync(temporary, 'r');
  fsyncSync(handle);
  closeSync(handle);
  renameSync(temporary, path);
}
