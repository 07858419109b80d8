/** Audits tar archives (POSIX ustar and pax): names, links, devices, and every member in turn. */

import { type ByteSource, windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell, tooDeep } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { nameFault } from '../zip/compare.ts';

const blockBytes = 512;
const longNameMax = 1 << 16;
/** The file runs with the rights of its owner or group. */
const setIdBits = 0o6000;

/** True when the head has a header block with a right checksum. */
export function looksLikeTar(head: Uint8Array): boolean {
  return head.length >= blockBytes && head[0] !== 0 && hasChecksum(head.subarray(0, blockBytes));
}

/** True when a byte stands inside a member, so that whoever audits the members comes by it. */
export async function isInsideMember(source: ByteSource, offset: number): Promise<boolean> {
  let members = 0;
  for (let at = 0; at + blockBytes <= source.size && at <= offset && members < 4096; members++) {
    const header = await source.read(at, blockBytes);
    const size = octal(header.subarray(124, 136));
    if (!hasChecksum(header) || size === null || size < 0) return false;
    const start = at + blockBytes;
    const isFile = header[156] === 0x30 || header[156] === 0;
    if (offset >= start && offset < start + size) return isFile;
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  return false;
}

/** Audits every member. */
export async function scanTar(place: Place): Promise<void> {
  const { source, audit } = place;
  let longName: string | null = null;
  for (let at = 0; at + blockBytes <= source.size; ) {
    const header = await source.read(at, blockBytes);
    if (header.every((byte) => byte === 0)) return;
    if (!hasChecksum(header)) {
      giveUp(place, `no header at byte ${at}`);
      return;
    }
    if (++audit.members > audit.limits.membersMax) {
      giveUp(place, 'too many members');
      return;
    }
    const size = octal(header.subarray(124, 136));
    const type = String.fromCharCode(header[156] ?? 0);
    const start = at + blockBytes;
    if (size === null || start + size > source.size) {
      giveUp(place, 'a member ends early');
      return;
    }
    if (type === 'L') {
      longName = field(await source.read(start, Math.min(size, longNameMax)));
    } else {
      const name = longName ?? fullName(header);
      longName = null;
      const mode = octal(header.subarray(100, 108)) ?? 0;
      await scanMember(place, { name, type, start, size, mode });
    }
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
}

async function scanMember(
  place: Place,
  member: { name: string; type: string; start: number; size: number; mode: number },
): Promise<void> {
  const { name, type, start, size } = member;
  if (type === 'x' || type === 'g') return;
  const fault = nameFault(name);
  if (fault !== null) tell(place, 'MRL-ARC-004', { evidence: `${name} ${fault}`, offset: start });
  if (/[1-46]/.test(type)) tell(place, 'MRL-ARC-008', { evidence: `${name} (type ${type})` });
  if ((member.mode & setIdBits) !== 0 && /[0\0]/.test(type)) {
    tell(place, 'MRL-ARC-011', { evidence: `${name} (mode ${member.mode.toString(8)})` });
  }
  if (size === 0) return;
  const depth = place.depth + 1;
  if (depth > place.audit.limits.depthMax) {
    tooDeep(place);
    return;
  }
  const source = windowOf(place.source, start, size);
  await place.descend({ ...place, source, member: memberName(place, name), origin: 0, depth });
}

function fullName(header: Uint8Array): string {
  const prefix = latin1(header.subarray(257, 262)) === 'ustar' ? header.subarray(345, 500) : null;
  const name = field(header.subarray(0, 100));
  const before = prefix === null ? '' : field(prefix);
  return before === '' ? name : `${before}/${name}`;
}

function field(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function octal(bytes: Uint8Array): number | null {
  if ((bytes[0] ?? 0) & 128) {
    const value = bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = latin1(bytes)
    .replace(/[\0 ]+$/, '')
    .trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : null;
}

function hasChecksum(header: Uint8Array): boolean {
  const said = octal(header.subarray(148, 156));
  let sum = 0;
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 32 : byte;
  return said !== null && said === sum && sum > 8 * 32;
}
