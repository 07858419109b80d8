/** Makers of small files for the tests: pickles opcode by opcode, archives byte by byte. */
import { crc32, deflateRawSync } from 'node:zlib';
import { concat, memorySource, type Severity, utf8 } from '@merlon/core';
import { type FileReport, type ScanOptions, scanSource } from '../src/index.ts';

/** Bytes of a latin-1 text, so that opcodes can be written as letters. */
export function raw(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Little-endian bytes of a number. */
export function little(value: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0, rest = value; i < bytes; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256;
  return out;
}

/** Parts after one another; texts are latin-1. */
export function bytes(...parts: (string | Uint8Array | number)[]): Uint8Array {
  return concat(
    parts.map((part) => {
      if (typeof part === 'number') return Uint8Array.of(part);
      return typeof part === 'string' ? raw(part) : part;
    }),
  );
}

/** GLOBAL. */
export function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

/** SHORT_BINUNICODE, or BINUNICODE when it is long. */
export function text(value: string): Uint8Array {
  const content = utf8(value);
  return content.length < 256
    ? bytes('\x8c', content.length, content)
    : bytes('X', little(content.length, 4), content);
}

/** BINBYTES. */
export function blob(content: Uint8Array): Uint8Array {
  return bytes('B', little(content.length, 4), content);
}

/** FRAME of the content. */
export function frame(content: Uint8Array): Uint8Array {
  return bytes('\x95', little(content.length, 8), content);
}

/** Calls a function of a module with one text; inert, since nothing here is ever loaded. */
export function callWithText(module: string, name: string, argument: string): Uint8Array {
  return bytes(global(module, name), text(argument), '\x85R');
}

/** What scanning some bytes says. */
export function scan(content: Uint8Array, options: Partial<ScanOptions> = {}): Promise<FileReport> {
  return scanSource(memorySource(content), { path: 'model.bin', profile: 'ml', ...options });
}

/** Rules found, with severity, the worst first: `MRL-PKL-001 critical`. */
export function rulesOf(report: FileReport, least: Severity = 'low'): string[] {
  const order: readonly Severity[] = ['note', 'low', 'medium', 'high', 'critical'];
  return report.findings
    .filter((finding) => order.indexOf(finding.severity) >= order.indexOf(least))
    .map((finding) => `${finding.rule} ${finding.severity}`);
}

/** A member of an archive that is to be made; what is not said is as it should be. */
export interface MemberPlan {
  name: string;
  content: Uint8Array;
  deflate?: boolean;
  /** What the local header says instead. */
  local?: Partial<
    Record<'name' | 'method' | 'flags' | 'crc' | 'size' | 'compressed', string | number>
  >;
  /** What the directory says instead. */
  central?: Partial<
    Record<'name' | 'method' | 'flags' | 'crc' | 'size' | 'compressed', string | number>
  >;
  attributes?: number;
  /** Leaves the member out of the directory. */
  hidden?: boolean;
}

/** A ZIP archive of the members. */
export function zip(
  members: readonly MemberPlan[],
  prefix: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const parts: Uint8Array[] = [prefix];
  const directory: Uint8Array[] = [];
  let at = prefix.length;
  for (const member of members) {
    const data = member.deflate ? new Uint8Array(deflateRawSync(member.content)) : member.content;
    const truth = {
      name: member.name,
      method: member.deflate ? 8 : 0,
      flags: 0,
      crc: crc32(member.content),
      size: member.content.length,
      compressed: data.length,
    };
    const local = { ...truth, ...member.local };
    const central = { ...truth, ...member.central };
    const header = bytes(
      'PK\x03\x04',
      little(20, 2),
      common(local),
      little(0, 2),
      utf8(String(local.name)),
    );
    if (!member.hidden) {
      directory.push(
        bytes(
          'PK\x01\x02',
          little(0x031e, 2),
          little(20, 2),
          common(central),
          little(0, 8),
          little(member.attributes ?? 0, 4),
          little(at - prefix.length * 0, 4),
          utf8(String(central.name)),
        ),
      );
    }
    parts.push(header, data);
    at += header.length + data.length;
  }
  const listed = concat(directory);
  const count = little(directory.length, 2);
  const end = bytes(
    'PK\x05\x06',
    little(0, 4),
    count,
    count,
    little(listed.length, 4),
    little(at, 4),
    0,
    0,
  );
  return concat([...parts, listed, end]);
}

function common(entry: Record<string, string | number>): Uint8Array {
  const number = (name: string): number => Number(entry[name]);
  return bytes(
    little(number('flags'), 2),
    little(number('method'), 2),
    little(0, 4),
    little(number('crc'), 4),
    little(number('compressed'), 4),
    little(number('size'), 4),
    little(utf8(String(entry.name)).length, 2),
  );
}

/** A field of a protocol buffer: a number, or bytes with their length. */
export function field(number: number, value: number | Uint8Array | string): Uint8Array {
  if (typeof value === 'number') return bytes(varint(number * 8), varint(value));
  const content = typeof value === 'string' ? utf8(value) : value;
  return bytes(varint(number * 8 + 2), varint(content.length), content);
}

/** Packed numbers of a protocol buffer. */
export function varints(values: readonly number[]): Uint8Array {
  return concat(values.map(varint));
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}
