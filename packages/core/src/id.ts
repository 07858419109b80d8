/** Identifiers: UUIDv7 (RFC 9562, section 5.7), sortable by time of creation. */
import { hex } from './bytes.ts';
import type { Clock } from './clock.ts';
import { secureBytes } from './random.ts';

let lastMs = 0;
let counter = 0;
const counterMax = 0xfff;

/**
 * Milliseconds and a counter that never go back (RFC 9562, section 6.2, method 1), so that
 * identifiers of one process sort in the order in which they were made.
 */
function nextTick(nowMs: number): { ms: number; count: number } {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
  } else if (counter < counterMax) counter++;
  else {
    lastMs++;
    counter = 0;
  }
  return { ms: lastMs, count: counter };
}

/** A new identifier, such as `01902d6e-7a1b-7c3d-8e4f-0123456789ab`. */
export function uuidv7(clock: Clock): string {
  const bytes = secureBytes(16);
  const view = new DataView(bytes.buffer);
  const { ms, count } = nextTick(clock.nowMs());
  view.setUint16(0, Math.floor(ms / 0x1_0000_0000));
  view.setUint32(2, ms % 0x1_0000_0000);
  view.setUint16(6, 0x7000 | count);
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const text = hex(bytes);
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    text.slice(12, 16),
    text.slice(16, 20),
    text.slice(20),
  ].join('-');
}

/** True for the text form of any UUID version 7. */
export function isUuidv7(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}
