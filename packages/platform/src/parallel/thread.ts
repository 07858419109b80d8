/** The program of a thread: does its piece of work, tells how far it is and how it ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { MerlonError, messageOf } from '@merlon/core';
import type { Share } from './blocks.ts';
import type { HashList } from './hash-file.ts';
import type { ThreadMessage } from './threads.ts';

const work = workerData as Share | HashList;
const tell = (message: ThreadMessage): void => parentPort?.postMessage(message);

try {
  if (work.kind === 'hash') {
    const { hashFile } = await import('./hash-file.ts');
    for (const { path, index } of work.files) {
      tell({ digest: hashFile(path, (bytes) => tell({ bytes })), index });
    }
  } else {
    const { doShare } = await import('./blocks.ts');
    for (const bytes of doShare(work)) tell({ bytes });
  }
  tell({ done: true });
} catch (error) {
  // Classes do not travel between threads, so the other side makes its own from this.
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  tell({ fault: { ours: error instanceof MerlonError, code, message: messageOf(error) } });
} finally {
  if (work.kind !== 'hash') work.key.fill(0);
}
