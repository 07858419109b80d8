/** Between rows and domain values: JSON columns, binary columns, partial updates. */
import type { JsonObject } from '@merlon/core';

/** JSON text of an object column. */
export function json(value: JsonObject | readonly number[]): string {
  return JSON.stringify(value);
}

/** An object column read back. */
export function object(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

/** A binary column as a plain array: pg gives Buffers, libsql gives ArrayBuffers. */
export function binary(value: Uint8Array | ArrayBuffer): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** A partial change with its JSON members turned into text. */
export function changed<T extends object>(
  change: T,
  jsonMembers: readonly (keyof T)[],
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...(change as Record<string, unknown>) };
  for (const member of jsonMembers) {
    const value = change[member];
    if (value !== undefined) out[member as string] = JSON.stringify(value);
  }
  return out;
}
