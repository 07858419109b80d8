/** Large files sealed and opened on several threads; memory is a few blocks a thread. */
import { type FileHandle, open } from 'node:fs/promises';
import { wipe } from '@merlon/core';
import {
  chunkBytes,
  findPayload,
  type OpenIdentity,
  type SealRecipient,
  startSealing,
} from '@merlon/vault';
import { fileSource } from '../blob/source.ts';
import type { Share } from './blocks.ts';
import { onThreads, type ParallelOptions, threadCount } from './threads.ts';

/**
 * Seals a plain file into an opened, empty one; returns the bytes written. What stands in `output`
 * after an error is of no use. Throws `bad-recipient` and faults of the disk.
 */
export async function sealFile(
  path: string,
  output: FileHandle,
  recipients: readonly SealRecipient[],
  options: ParallelOptions = {},
): Promise<number> {
  const input = await open(path, 'r');
  try {
    const { size } = await input.stat();
    const { prefix, key } = await startSealing({ recipients });
    const chunkCount = Math.max(1, Math.ceil(size / chunkBytes));
    await output.write(prefix, 0, prefix.length, 0);
    const share = { kind: 'seal', key, start: prefix.length, chunkCount } as const;
    await doShares({ ...share, input: input.fd, output: output.fd, inputBytes: size }, options);
    return (await output.stat()).size;
  } finally {
    await input.close();
  }
}

/**
 * Opens a sealed file into an opened, empty one; returns the clear bytes. What stands in `output`
 * after an error is of no use. Throws `cannot-open` and faults of the disk.
 */
export async function openFile(
  path: string,
  output: FileHandle,
  identities: readonly OpenIdentity[],
  options: ParallelOptions = {},
): Promise<number> {
  const input = await open(path, 'r');
  try {
    const source = await fileSource(input);
    const { key, start, chunkCount, clearBytes } = await findPayload(source, { identities });
    const inputBytes = source.size - start;
    const share = { kind: 'open', key, start, chunkCount, inputBytes } as const;
    await doShares({ ...share, input: input.fd, output: output.fd }, options);
    return clearBytes;
  } finally {
    await input.close();
  }
}

async function doShares(
  share: Omit<Share, 'first' | 'step'>,
  options: ParallelOptions,
): Promise<void> {
  const step = threadCount(options);
  const shares = Array.from({ length: step }, (_, first) => ({ ...share, first, step }));
  try {
    await onThreads(shares, options);
  } finally {
    wipe(share.key);
  }
}
