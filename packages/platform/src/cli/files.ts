/** Files of the command line: every way in which one cannot be read is one sentence. */
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { concat, messageOf, secureBytes } from '@merlon/core';
import type { OpenSource } from '../blob/blob.ts';
import { fileSource } from '../blob/source.ts';
import { PlatformError } from '../errors.ts';

/** Bytes that are gathered before they are written. */
const writeBytes = 1 << 20;

/** Checks that a path is a file with content; throws `not-found` or `bad-request`. */
export function requireFile(path: string, what: string): void {
  if (!existsSync(path)) {
    throw new PlatformError('not-found', `${what} "${path}" does not exist`, {
      hint: 'check the path; it is taken from the folder that you are in',
    });
  }
  if (statSync(path).isDirectory()) {
    throw new PlatformError('bad-request', `${what} expected a file, got the folder "${path}"`, {
      hint: 'name one file in it',
    });
  }
  if (statSync(path).isFile() && statSync(path).size === 0) {
    throw new PlatformError('bad-request', `${what} "${path}" is empty`, {
      hint: 'make or fetch the file again: nothing of it has arrived',
    });
  }
}

/** The bytes of a file; throws as `requireFile`. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  requireFile(path, what);
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    const message = `${what} "${path}" cannot be read: ${messageOf(cause)}`;
    const hint = 'make the file readable for this user';
    throw new PlatformError('bad-request', message, { hint, cause });
  }
}

/** The text of a file; throws as `requireFile`. */
export async function readText(path: string, what: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, what));
}

/** Opens a file for random access. */
export async function openSource(path: string): Promise<OpenSource> {
  return fileSource(await open(path, 'r'));
}

/** A file or standard input (`-`) as chunks. */
export function chunksOf(path: string): AsyncIterable<Uint8Array> {
  if (path === '-') return process.stdin;
  requireFile(path, 'the input');
  return createReadStream(path, { highWaterMark: 1 << 20 });
}

/** Writes a stream to a file whole or not at all, or to standard output (`-`). */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  let bytes = 0;
  if (path === '-') {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (!process.stdout.write(chunk)) {
        await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
      }
    }
    return bytes;
  }
  return writeWhole(path, async (file) => {
    let pending: Uint8Array[] = [];
    let pendingBytes = 0;
    const flush = async (): Promise<void> => {
      if (pendingBytes > 0) {
        const { bytesWritten } = await file.writev(pending);
        // A full disk shows as a short write first; only the next one tells why.
        if (bytesWritten < pendingBytes) {
          await file.writeFile(concat(pending).subarray(bytesWritten));
        }
      }
      bytes += pendingBytes;
      pending = [];
      pendingBytes = 0;
    };
    for await (const chunk of chunks) {
      pending.push(chunk);
      pendingBytes += chunk.length;
      if (pendingBytes >= writeBytes) await flush();
    }
    await flush();
    return bytes;
  });
}

/**
 * Lets a file be written under a temporary name; it gets its name only when all went well. It does
 * not wait for the disk, as `cp` does not: after a loss of power the input is still there.
 */
export async function writeWhole<T>(
  path: string,
  write: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${Buffer.from(secureBytes(6)).toString('hex')}.part`;
  const file = await open(temporary, 'wx', 0o600).catch((cause: unknown) => {
    throw new PlatformError('bad-request', `cannot write "${path}": ${messageOf(cause)}`, {
      hint: 'choose another place with -o',
      cause,
    });
  });
  try {
    const result = await write(file);
    await file.close();
    await rename(temporary, path);
    return result;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** One array as a stream. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A file named by a path below an argument. */
export interface FoundFile {
  /** The argument joined with the path below it. */
  readonly shown: string;
  readonly path: string;
  /** True for links and other things that are not plain files. */
  readonly special: boolean;
}

/** All files below the arguments, sorted; folders are walked, links are not followed. */
export function filesBelow(arguments_: readonly string[]): FoundFile[] {
  const found: FoundFile[] = [];
  const walk = (path: string, shown: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort(byName)) {
      const at = join(path, entry.name);
      const name = join(shown, entry.name);
      if (entry.isDirectory()) walk(at, name);
      else found.push({ shown: name, path: at, special: !entry.isFile() });
    }
  };
  for (const argument of arguments_) {
    if (!existsSync(argument)) {
      throw new PlatformError('not-found', `"${argument}" does not exist`, {
        hint: 'name a file or a folder',
      });
    }
    if (statSync(argument).isDirectory()) walk(argument, argument);
    else found.push({ shown: argument, path: argument, special: !statSync(argument).isFile() });
  }
  return found;
}

/** The path of a file below a folder, with `/`. */
export function below(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return basename(path);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
