/**
 * Members of a ZIP archive (PKWARE APPNOTE 6.3.10, sections 4.3.7–4.3.16), as `.npz` uses it:
 * stored or deflated. Sizes come from the central directory and bound what is inflated.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { DataError } from './error.ts';

/** A member: its name and how to get its bytes. */
export interface ZipMember {
  readonly name: string;
  /** Size in bytes when unpacked, as the directory states it. */
  readonly size: number;
  /** Unpacks; throws `DataError` when the content is not what the directory says. */
  read(): Uint8Array;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const membersMax = 1024;

/** Lists an archive; throws `DataError` `truncated-data`, `invalid-data` or `too-large`. */
export function zipMembers(bytes: Uint8Array, memberBytesMax: number): ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  if (count > membersMax) {
    throw new DataError(
      'too-large',
      `archive expected at most ${membersMax} members, got ${count}`,
    );
  }
  let at = view.getUint32(end + 16, true);
  const members: ZipMember[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== centralSignature) throw broken('directory');
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const size = view.getUint32(at + 24, true);
    if (size > memberBytesMax) {
      throw new DataError('too-large', `"${name}" expected ≤ ${memberBytesMax} bytes, got ${size}`);
    }
    const header = at;
    members.push({ name, size, read: () => readMember(bytes, view, header, name) });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}

function findEnd(view: DataView): number {
  const least = Math.max(0, view.byteLength - 22 - 0xffff);
  for (let at = view.byteLength - 22; at >= least; at--) {
    if (view.getUint32(at, true) === endSignature) return at;
  }
  throw new DataError('truncated-data', 'archive expected an end record, found none', {
    hint: 'The file is cut short or is no .npz; fetch it again.',
  });
}

function readMember(bytes: Uint8Array, view: DataView, header: number, name: string): Uint8Array {
  const flags = view.getUint16(header + 8, true);
  const method = view.getUint16(header + 10, true);
  const packedSize = view.getUint32(header + 20, true);
  const size = view.getUint32(header + 24, true);
  const local = view.getUint32(header + 42, true);
  if ((flags & 1) !== 0) {
    throw new DataError('unsupported-data', `"${name}" is encrypted`, {
      hint: 'Store the archive without a password.',
    });
  }
  if (local + 30 > bytes.length || view.getUint32(local, true) !== localSignature) {
    throw broken(`"${name}"`);
  }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packedSize > bytes.length) throw broken(`"${name}"`);
  const content = unpack(bytes.subarray(start, start + packedSize), method, size, name);
  if (content.length !== size || crc32(content) !== view.getUint32(header + 16, true)) {
    throw broken(`"${name}"`);
  }
  return content;
}

function unpack(packed: Uint8Array, method: number, size: number, name: string): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) {
    throw new DataError('unsupported-data', `"${name}" uses compression method ${method}`, {
      hint: 'Save it with numpy.savez or numpy.savez_compressed.',
    });
  }
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw broken(`"${name}"`, error);
  }
}

function broken(what: string, cause?: unknown): DataError {
  return new DataError('invalid-data', `${what} of the archive is damaged`, {
    hint: 'Fetch or make the file again.',
    cause,
  });
}
