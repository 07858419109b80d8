/** Bytes as text, one character a byte. */

/**
 * ISO 8859-1 exactly: `TextDecoder('latin1')` is windows-1252 by the web's standard and would
 * change the bytes 0x80 … 0x9f.
 */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** True when the bytes begin with those of a hexadecimal text. */
export function startsWith(bytes: Uint8Array, prefixHex: string): boolean {
  const prefix = Buffer.from(prefixHex, 'hex');
  return bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);
}
