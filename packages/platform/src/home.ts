/**
 * The home folder: one encrypted database, sealed objects, and (unless a passphrase is used) the
 * root key file. `merlon.json` holds nothing secret: the format and how to come by the root key.
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
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isJsonObject, messageOf, secureBytes, wipe } from '@merlon/core';
import {
  formatKeyFile,
  keyFileProvider,
  newPassphraseParameters,
  type PassphraseParameters,
  parsePassphraseParameters,
  passphraseProvider,
  type RootKeyProvider,
} from '@merlon/vault';
import { diskFault, PlatformError } from './errors.ts';

const formatNow = 1;

/** What `merlon.json` says. */
interface HomeFile {
  readonly format: number;
  readonly rootKey: { readonly provider: 'key-file' | 'passphrase' };
  readonly passphrase?: PassphraseParameters;
}

/** An opened home. */
export interface Home {
  readonly folder: string;
  readonly rootKey: RootKeyProvider;
  /** True when this call made it. */
  readonly isNew: boolean;
  /** Path of the root key file, or null when a passphrase is used. */
  readonly keyFile: string | null;
  readonly databasePath: string;
  readonly blobFolder: string;
}

/** How to open a home. */
export interface HomeOptions {
  /** Passphrase of the root key; a home made with one can only be opened with it. */
  readonly passphrase?: string;
}

/** Opens the home in a folder, or makes it; throws one sentence for whatever can be wrong. */
export async function openHome(folder: string, options: HomeOptions = {}): Promise<Home> {
  const path = resolve(folder);
  const descriptor = join(path, 'merlon.json');
  makeFolder(path);
  const isNew = !existsSync(descriptor);
  const home = isNew ? await makeHome(path, options) : readHome(descriptor);
  const keyFile = home.rootKey.provider === 'key-file' ? join(path, 'root.key') : null;
  const rootKey = keyFile === null ? await passphraseKey(home, options) : readKeyFile(keyFile);
  return {
    folder: path,
    rootKey,
    isNew,
    keyFile,
    databasePath: join(path, 'merlon.db'),
    blobFolder: join(path, 'blobs'),
  };
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

async function makeHome(path: string, options: HomeOptions): Promise<HomeFile> {
  const usePassphrase = options.passphrase !== undefined;
  const keyPath = join(path, 'root.key');
  if (!usePassphrase && !existsSync(keyPath)) {
    const key = secureBytes(32);
    writeDurably(keyPath, formatKeyFile(key));
    wipe(key);
  }
  const home: HomeFile = usePassphrase
    ? {
        format: formatNow,
        rootKey: { provider: 'passphrase' },
        passphrase: newPassphraseParameters(),
      }
    : { format: formatNow, rootKey: { provider: 'key-file' } };
  // Written last: a home without it was never finished and is simply made again.
  writeDurably(join(path, 'merlon.json'), `${JSON.stringify(home, null, 2)}\n`);
  return home;
}

function readHome(descriptor: string): HomeFile {
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
    throw new PlatformError('home-unusable', `"${descriptor}" is not a home's description`, {
      hint: 'choose another folder with --home',
    });
  }
  if (value.format > formatNow) {
    const got = `expected home format ${formatNow} or older, got ${value.format}`;
    throw new PlatformError('newer-home', got, { hint: 'start the newer Merlon that wrote it' });
  }
  return value as unknown as HomeFile;
}

async function passphraseKey(home: HomeFile, options: HomeOptions): Promise<RootKeyProvider> {
  if (options.passphrase === undefined) {
    throw new PlatformError('wrong-passphrase', 'this home opens with a passphrase', {
      hint: 'set MERLON_PASSPHRASE and start again',
    });
  }
  const parameters = parsePassphraseParameters(home.passphrase);
  return passphraseProvider(options.passphrase, parameters);
}

function readKeyFile(path: string): RootKeyProvider {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PlatformError('home-unusable', `the root key file "${path}" cannot be read`, {
      hint: 'put the key file back; without it nothing in this home can be opened',
      cause,
    });
  }
  return keyFileProvider(text);
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
