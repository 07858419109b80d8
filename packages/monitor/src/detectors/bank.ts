/** Sketches in int8, the newest kept, with their nearest neighbours: 64 bytes for 64 numbers. */

/** What a bank remembers; plain data and typed arrays. */
export interface BankState {
  readonly rows: Int8Array;
  /** Exact digests of the rows. */
  readonly digests: Float64Array;
  /** Rows ever added. */
  readonly added: number;
}

/** A ring of sketches. */
export class Bank {
  private rows: Int8Array;
  private digests: Float64Array;
  private added: number;
  private readonly dimensions: number;
  private readonly rowsMax: number;

  constructor(dimensions: number, rowsMax: number, saved?: BankState) {
    this.dimensions = dimensions;
    this.rowsMax = rowsMax;
    this.rows = saved?.rows ?? new Int8Array(dimensions * Math.min(8, rowsMax));
    this.digests = saved?.digests ?? new Float64Array(Math.min(8, rowsMax));
    this.added = saved?.added ?? 0;
  }

  /** Rows held. */
  get count(): number {
    return Math.min(this.added, this.rowsMax);
  }

  get state(): BankState {
    return { rows: this.rows, digests: this.digests, added: this.added };
  }

  /** True for a row with exactly these bits. */
  has(digest: number): boolean {
    const at = this.digests.indexOf(digest);
    return at >= 0 && at < this.count;
  }

  /** Adds a row; the oldest leaves when the ring is full. */
  add(row: Int8Array, digest: number): void {
    const at = this.added % this.rowsMax;
    if (at >= this.digests.length) {
      const length = Math.min(this.rowsMax, 2 * this.digests.length);
      const rows = new Int8Array(length * this.dimensions);
      rows.set(this.rows);
      this.rows = rows;
      const digests = new Float64Array(length);
      digests.set(this.digests);
      this.digests = digests;
    }
    this.rows.set(row, at * this.dimensions);
    this.digests[at] = digest;
    this.added++;
  }

  /** Distance to the `k`-th nearest row, or to the farthest where there are fewer. */
  nearest(row: Int8Array, k = 1): number {
    const { rows, dimensions, count } = this;
    // The k least so far, ascending.
    const least = new Float64Array(Math.max(1, Math.min(k, count))).fill(Number.POSITIVE_INFINITY);
    const last = least.length - 1;
    for (let i = 0, from = 0; i < count; i++, from += dimensions) {
      let sum = 0;
      for (let j = 0; j < dimensions; j++) {
        const apart = (rows[from + j] ?? 0) - (row[j] ?? 0);
        sum += apart * apart;
      }
      if (sum >= (least[last] ?? 0)) continue;
      let at = last;
      for (; at > 0 && (least[at - 1] ?? 0) > sum; at--) least[at] = least[at - 1] ?? 0;
      least[at] = sum;
    }
    return Math.sqrt(least[last] ?? 0);
  }
}

/** Sketches to int8 by one factor for all numbers; what does not fit is clipped. */
export function quantise(values: Float32Array, factor: number): Int8Array {
  return Int8Array.from(values, (value) =>
    Math.max(-127, Math.min(127, Math.round(value * factor))),
  );
}

/** The factor under which all but one number in a thousand fit int8. */
export function quantiseFactor(sketches: readonly Float32Array[]): number {
  const sizes = Float32Array.from(sketches.flatMap((each) => [...each.map(Math.abs)])).sort();
  const large = sizes[Math.floor(0.999 * (sizes.length - 1))] ?? 0;
  return large > 0 ? 127 / large : 1;
}

/** Euclidean length of a quantised sketch, at least 1. */
export function lengthOf(row: Int8Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.max(1, Math.sqrt(sum));
}
