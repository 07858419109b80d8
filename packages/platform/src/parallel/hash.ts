/** Digests of many files, several at once. */
import { statSync } from 'node:fs';
import { type Digest, toDigest } from '@merlon/core';
import { type HashList, hashFile } from './hash-file.ts';
import { onThreads, type ParallelOptions, parallelBytesMin, threadCount } from './threads.ts';

/** SHA-256 of each file, in the order given; on threads once that is faster. */
export async function hashFiles(
  paths: readonly string[],
  options: ParallelOptions = {},
): Promise<Digest[]> {
  const files = paths.map((path, index) => ({ path, index, bytes: statSync(path).size }));
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  if (total < parallelBytesMin) {
    return files.map(({ path }) => {
      options.signal?.throwIfAborted();
      return hashFile(path);
    });
  }
  const digests: Digest[] = [];
  for (const message of await onThreads(shared(files, threadCount(options)), options)) {
    if ('digest' in message) digests[message.index] = toDigest(message.digest);
  }
  return digests;
}

/** The longest first, each to the list that has least to do. */
function shared(
  files: readonly { readonly path: string; readonly index: number; readonly bytes: number }[],
  threads: number,
): HashList[] {
  const lists = Array.from({ length: Math.min(threads, files.length) }, () => {
    return { bytes: 0, files: [] as { path: string; index: number }[] };
  });
  for (const { path, index, bytes } of [...files].sort((a, b) => b.bytes - a.bytes)) {
    const least = lists.reduce((a, b) => (b.bytes < a.bytes ? b : a));
    least.bytes += bytes;
    least.files.push({ path, index });
  }
  return lists.map((list) => ({ kind: 'hash', files: list.files }));
}
