/** Rotation: a sealed file gets new recipients, and not a byte of its payload changes. */
import { type ByteSource, type Bytes, memorySource } from '@merlon/core';
import { rewriteHeader } from './header.ts';
import type { OpenIdentity, SealRecipient } from './identity.ts';
import { Intake } from './intake.ts';

/** Bytes that are copied at once. */
const pieceBytes = 1 << 20;

/**
 * The sealed file with another header, as a stream. Who could open the old file can still open
 * every copy of it: rotation limits what a lost key opens from now on. Throws `cannot-open`,
 * `bad-identity`, `bad-recipient`.
 */
export async function* rotate(
  source: ByteSource,
  options: {
    readonly identities: readonly OpenIdentity[];
    readonly recipients: readonly SealRecipient[];
  },
): AsyncGenerator<Uint8Array, void, void> {
  const intake = new Intake(pieces(source, 0, 4096));
  const { bytes, oldBytes } = await rewriteHeader(intake, options.identities, options.recipients);
  await intake.close();
  yield bytes;
  yield* pieces(source, oldBytes, pieceBytes);
}

/**
 * A header for other recipients over the payload of a sealed file, to be kept apart from it and
 * given to `openRandomAccess`. `header` is the one by which it is opened now, if that is not its
 * own. Throws `cannot-open`, `bad-identity`, `bad-recipient`.
 */
export async function headerFor(
  source: ByteSource,
  options: {
    readonly identities: readonly OpenIdentity[];
    readonly recipients: readonly SealRecipient[];
    readonly header?: Uint8Array;
  },
): Promise<Bytes> {
  const from = options.header === undefined ? source : memorySource(options.header);
  const intake = new Intake(pieces(from, 0, 4096));
  try {
    return (await rewriteHeader(intake, options.identities, options.recipients)).bytes;
  } finally {
    await intake.close();
  }
}

async function* pieces(
  source: ByteSource,
  from: number,
  step: number,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = from; at < source.size; at += step) {
    yield await source.read(at, Math.min(step, source.size - at));
  }
}
