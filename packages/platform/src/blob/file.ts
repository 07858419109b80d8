/** Objects as files: written to a temporary name, flushed to the disk, then renamed. */
import { link, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFault, PlatformError } from '../errors.ts';
import { type BlobStore, checkBlobName, type OpenSource, type Replica } from './blob.ts';
import { fileSource } from './source.ts';

const suffix = '.age';

/** Opens a folder as a blob store and clears away what an interrupted write left. */
export async function openFileBlobs(folder: string): Promise<BlobStore> {
  const incoming = join(folder, 'incoming');
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  const pathOf = (name: string): string => pathIn(folder, name);
  return {
    put: async (name, chunks) => {
      const target = pathOf(name);
      const temporary = join(incoming, name);
      const bytes = await writeDurably(temporary, chunks);
      await nameOnce(temporary, target);
      await flushFolder(folder);
      return bytes;
    },
    open: (name) => openFile(pathOf(name), name),
    remove: (name) => rm(pathOf(name), { force: true }),
    list: async () => {
      const names = await readdir(folder);
      return names.filter((n) => n.endsWith(suffix)).map((n) => n.slice(0, -suffix.length));
    },
  };
}

/** A folder that holds copies of the objects. */
export function fileReplica(folder: string): Replica {
  return { open: (name) => openFile(pathIn(folder, name), name) };
}

function pathIn(folder: string, name: string): string {
  return join(folder, `${checkBlobName(name)}${suffix}`);
}

async function writeDurably(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      bytes += chunk.length;
    }
    await file.sync();
  } catch (cause) {
    await file.close();
    await rm(path, { force: true });
    throw diskFault(cause);
  }
  await file.close();
  return bytes;
}

/** Unlike renaming, linking never replaces what is there. */
async function nameOnce(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      throw diskFault(cause);
    }
    throw new PlatformError('conflict', 'an object of that name is there already', { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function openFile(path: string, name: string): Promise<OpenSource> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new PlatformError('not-found', `object "${name}" is not in the blob store`, { cause });
  });
  return fileSource(file);
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}
