/** The confined side: takes calls over the pipe to its parent and answers them. */
import { type ByteSource, InputError, MerlonError, messageOf, type Progress } from '@merlon/core';
import type { FromWorker, SourceHandle, ToWorker } from './protocol.ts';
import { taskOf } from './tasks.ts';

/** Reads are fetched in blocks of this size, since each costs a message both ways. */
const blockBytes = 1 << 20;
const blocksMax = 32;

const reads = new Map<string, (bytes: Uint8Array | null) => void>();
let nextRead = 1;

process.on('message', (message) => {
  const incoming = message as ToWorker;
  if (incoming.type === 'call') void answer(incoming);
  else if (incoming.type === 'bytes') {
    const key = `${incoming.id}:${incoming.read}`;
    reads.get(key)?.(incoming.bytes);
    reads.delete(key);
  }
});
send({ type: 'ready' });

async function answer(call: Extract<ToWorker, { type: 'call' }>): Promise<void> {
  const { id, method, input, sources } = call;
  try {
    const output = await taskOf(method)(input, {
      source: (name) => remoteSource(id, named(sources, name)),
      onProgress: (progress: Progress) => send({ type: 'progress', id, progress }),
      onCheckpoint: (checkpoint) => send({ type: 'checkpoint', id, checkpoint }),
    });
    send({ type: 'done', id, output });
  } catch (error) {
    const report =
      error instanceof MerlonError
        ? error.report()
        : { code: 'internal', message: messageOf(error), hint: '' };
    send({ type: 'failed', id, error: report });
  }
}

function named(sources: readonly SourceHandle[], name: string): SourceHandle {
  const found = sources.find((handle) => handle.source === name);
  if (found === undefined) throw new InputError('bad-input', `no source is called "${name}"`);
  return found;
}

/** A source whose bytes come from the parent, with the last few blocks kept. */
function remoteSource(id: number, { source, size }: SourceHandle): ByteSource {
  const blocks = new Map<number, Uint8Array>();
  const block = async (index: number): Promise<Uint8Array> => {
    const kept = blocks.get(index);
    if (kept !== undefined) return kept;
    const bytes = await fetchBytes(id, source, index * blockBytes, blockBytes);
    if (blocks.size >= blocksMax) {
      const [oldest] = blocks.keys();
      if (oldest !== undefined) blocks.delete(oldest);
    }
    blocks.set(index, bytes);
    return bytes;
  };
  return {
    size,
    read: async (offset, length) => {
      const end = Math.min(size, offset + length);
      if (end <= offset) return new Uint8Array(0);
      const out = new Uint8Array(end - offset);
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes);
        const inside = at - index * blockBytes;
        const piece = (await block(index)).subarray(inside, inside + end - at);
        if (piece.length === 0) throw new InputError('bad-input', 'the source ended early');
        out.set(piece, at - offset);
        at += piece.length;
      }
      return out;
    },
  };
}

function fetchBytes(
  id: number,
  source: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const read = nextRead++;
  return new Promise((resolve, reject) => {
    reads.set(`${id}:${read}`, (bytes) => {
      if (bytes === null) reject(new InputError('bad-input', 'the source cannot be read'));
      else resolve(bytes);
    });
    send({ type: 'read', id, read, source, offset, length });
  });
}

function send(message: FromWorker): void {
  process.send?.(message);
}
