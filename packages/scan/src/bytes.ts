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

const scrambledBytesMin = 1024;
/** Bits a byte: weights have less, since their exponents repeat; ciphers and packers have more. */
const scrambledBits = 7.75;

/** True for bytes that are encrypted or packed, as far as their frequencies tell. */
export function isScrambled(bytes: Uint8Array): boolean {
  if (bytes.length < scrambledBytesMin) return false;
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let bits = 0;
  for (const count of counts) {
    if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  }
  return bits > scrambledBits;
}
