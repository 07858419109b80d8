/**
 * ASCII armor (age v1, "ASCII armor"): strict PEM around a sealed file. Reading tolerates
 * white space before and after, and CRLF; nothing else.
 */
import { base64, concat, utf8 } from '@merlon/core';
import { cannotOpen } from '../error.ts';
import { Intake } from './intake.ts';

const begin = '-----BEGIN AGE ENCRYPTED FILE-----';
const end = '-----END AGE ENCRYPTED FILE-----';
const lineCharacters = 64;
const lineBytes = 48;
// A line may end in CR and LF; white space around the armor is bounded as in age.
const rawLineBytesMax = 1024;
const whitespaceBytesMax = 1024;
const pieceBytes = lineBytes * 1024;

/** The sealed file as text lines, in pieces of some 64 KiB; ends with a newline. */
export async function* armor(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const intake = new Intake(chunks);
  try {
    yield utf8(`${begin}\n`);
    for (;;) {
      const piece = await intake.take(pieceBytes);
      if (piece.length === 0) break;
      const lines: string[] = [];
      for (let at = 0; at < piece.length; at += lineBytes) {
        lines.push(base64(piece.subarray(at, at + lineBytes)), '\n');
      }
      yield utf8(lines.join(''));
    }
    yield utf8(`${end}\n`);
  } finally {
    await intake.close();
  }
}

/** True when the bytes can only be the beginning of an armored file, or white space before one. */
export function looksArmored(first: Uint8Array): boolean {
  const [byte] = first;
  return byte !== undefined && (byte === 0x2d || isWhitespace(byte));
}

/** The sealed file in an armor; throws `cannot-open` where the armor is not exact. */
export async function* dearmor(intake: Intake): AsyncGenerator<Uint8Array, void, void> {
  await skipToBegin(intake);
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  for (let short = false; ; ) {
    const line = await lineOf(intake);
    if (line === end) break;
    const bytes: Uint8Array | null = short ? null : decodeLine(line);
    if (bytes === null) throw cannotOpen();
    short = bytes.length < lineBytes;
    parts.push(bytes);
    partBytes += bytes.length;
    if (partBytes < pieceBytes) continue;
    yield concat(parts);
    parts = [];
    partBytes = 0;
  }
  const trailing = await intake.take(whitespaceBytesMax);
  if (trailing.length === whitespaceBytesMax || !trailing.every(isWhitespace)) throw cannotOpen();
  yield concat(parts);
}

async function skipToBegin(intake: Intake): Promise<void> {
  for (let skipped = 0; skipped <= whitespaceBytesMax; ) {
    const line = await lineOf(intake);
    if (line === begin) return;
    if (line.trim() !== '') break;
    skipped += line.length + 1;
  }
  throw cannotOpen();
}

/** One line without its end; throws when there is none. */
async function lineOf(intake: Intake): Promise<string> {
  const raw = await intake.takeLine(rawLineBytesMax);
  if (raw === null) throw cannotOpen();
  return String.fromCharCode(...raw).replace(/\r?\n?$/, '');
}

function decodeLine(line: string): Uint8Array | null {
  if (line.length === 0 || line.length > lineCharacters || line.length % 4 !== 0) return null;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(line)) return null;
  const bytes = new Uint8Array(Buffer.from(line, 'base64'));
  // Only the one canonical spelling: padding bits must be zero.
  return base64(bytes) === line ? bytes : null;
}

function isWhitespace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
