/** Random access to a plain file. */
import type { FileHandle } from 'node:fs/promises';
import type { OpenSource } from './blob.ts';

/** A source over an opened file; closing the source closes the file. */
export async function fileSource(file: FileHandle): Promise<OpenSource> {
  const { size } = await file.stat();
  return {
    size,
    read: async (offset, length) => {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let done = 0;
      while (done < buffer.length) {
        const { bytesRead } = await file.read(buffer, done, buffer.length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    },
    close: () => file.close(),
  };
}
