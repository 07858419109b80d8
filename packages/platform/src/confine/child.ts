/** The confined side: takes calls over the pipe to its parent and answers them. */
import {
  type ByteSource,
  type Hasher,
  InputError,
  MerlonError,
  messageOf,
  type Progress,
  startDigest,
} from '@merlon/core';
import { type FromWorker, type SourceHandle, type ToWorker, tamperedCode } from './protocol.ts';
import { taskOf } from './tasks.ts';

/** Reads are fetched in blocks of this size, since each costs a message both ways. */
const blockBytes = 1 << 20;
const blocksMax = 32;
/** Blocks on their way at once when a source is read from one end to the other. */
const blocksAhead = 3;

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

/**
 * A source whose bytes come from the parent, with the last few blocks kept. Whoever reads on gets
 * the next blocks asked for ahead, so that the parent decrypts while the block before is copied.
 */
function remoteSource(id: number, handle: SourceHandle): ByteSource {
  const { source, size } = handle;
  const blocks = new Map<number, Promise<Uint8Array>>();
  let before = -1;
  const block = (index: number): Promise<Uint8Array> => {
    const kept = blocks.get(index);
    if (kept !== undefined) return kept;
    const bytes = fetchBytes(id, source, index * blockBytes, blockBytes);
    // A block that was asked for ahead may never be waited for.
    bytes.catch(() => undefined);
    if (blocks.size >= blocksMax) {
      const [oldest] = blocks.keys();
      if (oldest !== undefined) blocks.delete(oldest);
    }
    blocks.set(index, bytes);
    return bytes;
  };
  const blockAt = (index: number): Promise<Uint8Array> => {
    const found = block(index);
    const last = Math.ceil(size / blockBytes) - 1;
    const ahead = index === before + 1 ? blocksAhead : 0;
    for (let next = index + 1; next <= Math.min(last, index + ahead); next++) void block(next);
    before = index;
    return found;
  };
  const checked = inOrder(handle, Math.ceil(size / blockBytes));
  return {
    size,
    read: async (offset, length) => {
      const end = Math.min(size, offset + length);
      if (end <= offset) return new Uint8Array(0);
      const out = new Uint8Array(end - offset);
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes);
        const inside = at - index * blockBytes;
        const whole = await blockAt(index);
        checked(index, whole);
        const piece = whole.subarray(inside, inside + end - at);
        if (piece.length === 0) throw new InputError('bad-input', 'the source ended early');
        out.set(piece, at - offset);
        at += piece.length;
      }
      return out;
    },
  };
}

/**
 * Hashes the blocks of a signed source as they pass, from the first to the last, and throws at the
 * last where they are not what was signed.
 */
function inOrder(
  { source, digest }: SourceHandle,
  count: number,
): (index: number, block: Uint8Array) => void {
  if (digest === null) return () => undefined;
  let hasher: Hasher = startDigest();
  let next = 0;
  return (index, block) => {
    // A block that is read in parts comes more than once.
    if (index === next - 1) return;
    if (index === 0) [hasher, next] = [startDigest(), 0];
    if (index !== next) {
      throw new MerlonError('internal', `source "${source}" was read out of order`);
    }
    hasher.update(block);
    next++;
    if (next === count && hasher.finish() !== digest) throw new MerlonError(tamperedCode, source);
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
