/**
 * The filter that turns addresses of x86 calls back (xz, "x86 BCJ"), which 7-Zip puts before LZMA.
 */

const allowed = [true, true, true, false, true, false, false, false];
const bits = [0, 1, 2, 2, 3, 3, 3, 3];

/** Undoes the filter on what another stream gives out. */
export async function* unfilterX86(
  packed: AsyncGenerator<Uint8Array, void, void>,
): AsyncGenerator<Uint8Array, void, void> {
  const filter = new X86();
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of packed) {
    const buffer = new Uint8Array(held.length + chunk.length);
    buffer.set(held);
    buffer.set(chunk, held.length);
    const done = filter.run(buffer);
    if (done > 0) yield buffer.subarray(0, done);
    held = buffer.slice(done);
  }
  if (held.length > 0) yield held;
}

class X86 {
  #position = 0;
  #mask = 0;

  /** Works in place; returns how many bytes are final. */
  run(buffer: Uint8Array): number {
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const end = buffer.length - 4;
    let before = -1;
    let mask = this.#mask;
    let i = 0;
    for (; i < end; i++) {
      if (((buffer[i] ?? 0) & 0xfe) !== 0xe8) continue;
      const distance = i - before;
      before = i;
      mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
      const near = buffer[i + 4 - (bits[mask] ?? 0)] ?? 0;
      const blocked = mask !== 0 && (allowed[mask] === false || isEdge(near));
      if (blocked || !isEdge(buffer[i + 4] ?? 1)) {
        mask = (mask << 1) | 1;
        continue;
      }
      view.setUint32(i + 1, this.#address(view.getUint32(i + 1, true), i, mask), true);
      i += 4;
    }
    i = Math.max(0, Math.min(i, buffer.length));
    const distance = i - before;
    this.#mask = distance > 3 ? 0 : mask << (distance - 1);
    this.#position += i;
    return i;
  }

  #address(given: number, i: number, mask: number): number {
    let source = given;
    for (;;) {
      const target = (source - (this.#position + i + 5)) >>> 0;
      const shift = (bits[mask] ?? 0) * 8;
      const edge = mask !== 0 && isEdge((target >>> (24 - shift)) & 255);
      if (!edge) return ((target & 0x01ffffff) | -(target & 0x01000000)) >>> 0;
      source = (target ^ (2 ** (32 - shift) - 1)) >>> 0;
    }
  }
}

function isEdge(byte: number): boolean {
  return byte === 0 || byte === 255;
}
