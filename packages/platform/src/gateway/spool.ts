/**
 * Events that the store could not take: a file of lines, each sealed under a key of the home. A
 * line is whole or, after a crash, the last one, which was never promised and is left out.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { base64, fromBase64, fromUtf8, utf8 } from '@merlon/core';
import { diskFault } from '../errors.ts';
import type { ServeEvent } from '../model.ts';
import { sealedColumns } from '../store/columns.ts';

/** What waits for the store. */
export interface Spool {
  holds(): boolean;
  /** Ends when the events are on the disk; throws `no-space` or `home-unusable`. */
  append(events: readonly ServeEvent[]): Promise<void>;
  /** Hands everything to a writer and forgets it; what a writer refuses stays. */
  drain(write: (events: readonly ServeEvent[]) => Promise<void>): Promise<void>;
}

type Line = Omit<ServeEvent, 'input'> & { readonly input: string | null };

const batchMax = 256;
const place = (id: string) => ({ column: 'spool', row: id });

/** The spool in a folder. */
export function openSpool(folder: string, key: Uint8Array): Spool {
  const columns = sealedColumns(key);
  const path = join(folder, 'events');
  const draining = join(folder, 'events.draining');
  let full = existsSync(path) || existsSync(draining);
  const sealed = (event: ServeEvent): string => {
    const input = event.input === null ? null : base64(event.input);
    const bytes = utf8(JSON.stringify({ ...event, input } satisfies Line));
    return `${event.id} ${base64(columns.sealBytes(place(event.id), bytes))}\n`;
  };
  const opened = (line: string): ServeEvent => {
    const [id = '', text = ''] = line.split(' ');
    const bytes = columns.openBytes(place(id), fromBase64(text));
    const { input, ...event } = JSON.parse(fromUtf8(bytes)) as Line;
    return { ...event, input: input === null ? null : fromBase64(input) };
  };
  return {
    holds: () => full,
    append: async (events) => {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const file = await open(path, 'a', 0o600);
        try {
          await file.appendFile(events.map(sealed).join(''));
          await file.datasync();
        } finally {
          await file.close();
        }
        full = true;
      } catch (error) {
        throw diskFault(error);
      }
    },
    drain: async (write) => {
      // What an earlier attempt left comes first; new events go to a file of their own meanwhile.
      if (!existsSync(draining)) {
        if (!existsSync(path)) return;
        await rename(path, draining);
      }
      const lines = (await readFile(draining, 'utf8')).split('\n').slice(0, -1);
      for (let i = 0; i < lines.length; i += batchMax) {
        await write(lines.slice(i, i + batchMax).map(opened));
      }
      await rm(draining);
      full = existsSync(path);
    },
  };
}
