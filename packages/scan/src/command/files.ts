/** Files of the command: folders are walked, patterns matched, links never followed. */
import {
  closeSync,
  fstatSync,
  globSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type ByteSource, memorySource } from '@merlon/core';
import { ScanError } from '../error.ts';

/** A file that was found. */
export interface Found {
  readonly path: string;
  /** Path below the folder that was named, with `/`, for patterns. */
  readonly below: string;
  /** True for links and other things that are not plain files. */
  readonly special: boolean;
}

/** All files below the arguments, sorted; throws `not-found`. */
export function findFiles(names: readonly string[]): Found[] {
  const found: Found[] = [];
  for (const name of names) {
    const stat = lstatSync(name, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) walk(name, name, found);
    else if (stat !== undefined) found.push({ path: name, below: name, special: !stat.isFile() });
    else found.push(...matching(name));
  }
  return found;
}

/** Most files of a repository are small, and waiting for each read would take longer than it. */
const wholeBytesMax = 1 << 20;

/** A file as a source, to be closed; a small one is read at once. */
export async function openFile(
  path: string,
): Promise<ByteSource & { close(): Promise<void>; readonly mtimeMs: number }> {
  const small = readSmall(path);
  if (small !== null) return small;
  const file = await open(path, 'r');
  const { size, mtimeMs } = await file.stat();
  return {
    size,
    mtimeMs,
    read: (at, length) => readAt(file, at, length, size),
    close: () => file.close(),
  };
}

function readSmall(path: string): Awaited<ReturnType<typeof openFile>> | null {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (size > wholeBytesMax) return null;
    const bytes = Buffer.allocUnsafeSlow(size);
    let have = 0;
    while (have < size) {
      const read = readSync(file, bytes, have, size - have, have);
      if (read === 0) break;
      have += read;
    }
    const source = memorySource(new Uint8Array(bytes.buffer, bytes.byteOffset, have));
    return { ...source, mtimeMs, close: async () => undefined };
  } finally {
    closeSync(file);
  }
}

async function readAt(file: FileHandle, at: number, length: number, size: number) {
  const wanted = Math.max(0, Math.min(length, size - at));
  const bytes = Buffer.allocUnsafeSlow(wanted);
  let have = 0;
  while (have < wanted) {
    const { bytesRead } = await file.read(bytes, have, wanted - have, at + have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, have);
}

function walk(root: string, folder: string, found: Found[]): void {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(root, path, found);
    else found.push({ path, below: slashed(relative(root, path)), special: !entry.isFile() });
  }
}

function matching(pattern: string): Found[] {
  const isPattern = /[*?[{]/.test(pattern);
  const paths = isPattern ? globSync(pattern).sort() : [];
  if (paths.length === 0) {
    const hint = isPattern ? 'put the pattern in quotes, or check it' : 'name a file or a folder';
    throw new ScanError('not-found', `"${pattern}" does not exist`, { hint });
  }
  return paths.flatMap((path) => {
    const stat = lstatSync(path);
    return stat.isDirectory() ? [] : [{ path, below: slashed(path), special: !stat.isFile() }];
  });
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
