/**
 * Convolution weights in the blocked layout (NCHWc) of ONNX Runtime's CPU kernels: channels in
 * groups of a block stand together, so that one vector instruction takes a whole group.
 */

/** Weights [O, I, …] with their size. */
export interface Filter {
  readonly values: Float32Array;
  readonly outs: number;
  /** Input channels of a group. */
  readonly ins: number;
  /** Taps of the kernel over all spatial axes. */
  readonly taps: number;
}

/** The next multiple of a block. */
export function roundUp(channels: number, block: number): number {
  return Math.ceil(channels / block) * block;
}

/** [O/b][I/b][taps][b of I][b of O], both channels padded with zeros to whole blocks. */
export function blockedBothSides(filter: Filter, block: number): Float32Array {
  const { values, outs, ins, taps } = filter;
  const insPadded = roundUp(ins, block);
  const to = new Float32Array(roundUp(outs, block) * insPadded * taps);
  for (let o = 0; o < outs; o++) {
    for (let i = 0; i < ins; i++) {
      const groups = Math.floor(o / block) * (insPadded / block) + Math.floor(i / block);
      const from = (o * ins + i) * taps;
      for (let tap = 0; tap < taps; tap++) {
        const at = ((groups * taps + tap) * block + (i % block)) * block + (o % block);
        to[at] = values[from + tap] ?? 0;
      }
    }
  }
  return to;
}

/** [O/b][I][taps][b of O]: for inputs in the plain layout, and for depthwise convolutions. */
export function blockedOutputs(filter: Filter, block: number): Float32Array {
  const { values, outs, ins, taps } = filter;
  const to = new Float32Array(roundUp(outs, block) * ins * taps);
  for (let o = 0; o < outs; o++) {
    for (let k = 0; k < ins * taps; k++) {
      const at = (Math.floor(o / block) * ins * taps + k) * block + (o % block);
      to[at] = values[o * ins * taps + k] ?? 0;
    }
  }
  return to;
}

/** One number for each place of a picture, repeated for every channel, as blocks lie in memory. */
export function blockedPicture(
  picture: ArrayLike<number>,
  of: { readonly channels: number; readonly block: number },
): Float32Array {
  const area = picture.length;
  const to = new Float32Array(of.channels * area);
  for (let at = 0; at < to.length; at++) {
    to[at] = picture[Math.floor(at / of.block) % area] ?? 0;
  }
  return to;
}
