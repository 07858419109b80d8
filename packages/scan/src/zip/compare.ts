/** What the two descriptions of an archive's members contradict each other in. */
import type { Entry } from './entry.ts';

/** Bit 0: encrypted; 5: patch; 6: strong encryption; 13: masked headers. */
const encryptionFlags = 0x2061;
const descriptorFlag = 8;

/** True when the flags say that the data cannot be read as it stands. */
export function saysEncrypted(entry: Entry): boolean {
  return (entry.flags & encryptionFlags) !== 0;
}

/** True when the local header leaves sizes and checksum to a record behind the data. */
export function hasDescriptor(entry: Entry): boolean {
  return (entry.flags & descriptorFlag) !== 0;
}

/** Every contradiction between a directory's entry and its local header, in words. */
export function contradictions(central: Entry, local: Entry): string[] {
  const out: string[] = [];
  const differ = (what: string, a: string | number, b: string | number): void => {
    if (a !== b) out.push(`${what} ${a} in the directory, ${b} at the member`);
  };
  differ('name', central.name, local.name);
  differ('method', central.method, local.method);
  differ('encryption', central.flags & encryptionFlags, local.flags & encryptionFlags);
  const deferred = hasDescriptor(local);
  for (const what of ['bytes', 'compressedBytes', 'crc'] as const) {
    const left = deferred && (local[what] === 0 || local[what] === 0xffffffff);
    if (!left) differ(what, central[what], local[what]);
  }
  return out;
}

/** Why a member's name is dangerous to unpack, or null. */
export function nameFault(name: string): string | null {
  if (name.includes('\0')) return 'has a zero byte';
  if (/^[/\\]|^[A-Za-z]:/.test(name)) return 'is absolute';
  if (name.split(/[/\\]/).includes('..')) return 'climbs out of its folder';
  return null;
}

/** True when the member would be written with the rights of its owner or group (Unix mode). */
export function isSetId(entry: Entry): boolean {
  const mode = entry.attributes >>> 16;
  return (mode & 0o6000) !== 0 && (mode & 0xf000) === 0x8000;
}

/** True when the attributes say that the member is a symbolic link. */
export function isLink(entry: Entry): boolean {
  return ((entry.attributes >>> 16) & 0xf000) === 0xa000;
}

/** Names that stand twice, or that differ only by case. */
export function collisions(entries: readonly Entry[]): string[] {
  const seen = new Map<string, string>();
  const out = new Set<string>();
  for (const { name } of entries) {
    const folded = name.toLowerCase();
    const first = seen.get(folded);
    if (first === undefined) seen.set(folded, name);
    else out.add(first === name ? name : `${first} and ${name}`);
  }
  return [...out];
}
