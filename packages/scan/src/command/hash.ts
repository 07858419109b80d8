/** Hashes of files, for bills of materials. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hexadecimal SHA-256 of every file that can be read. */
export async function sha256Of(paths: readonly string[]): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const path of paths) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
      out[path] = hash.digest('hex');
    } catch (error) {
      // What cannot be read is already told by its report; it only stands without a hash here.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
  return out;
}
