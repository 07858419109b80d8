/** The Delta filter of xz and 7z: each byte is the difference from the one a distance before. */

/** Undoes the filter on what another stream gives out; works on the chunks in place. */
export async function* unfilterDelta(
  packed: AsyncGenerator<Uint8Array, void, void>,
  distance: number,
): AsyncGenerator<Uint8Array, void, void> {
  const before = new Uint8Array(distance);
  let at = 0;
  for await (const chunk of packed) {
    for (let i = 0; i < chunk.length; i++) {
      const value = ((chunk[i] ?? 0) + (before[at] ?? 0)) & 255;
      before[at] = value;
      chunk[i] = value;
      at = at + 1 === distance ? 0 : at + 1;
    }
    yield chunk;
  }
}
