/**
 * ADWIN2 (Bifet and Gavaldà 2007): a window that shrinks from its old end while some cut of it
 * separates two parts whose means differ by more than chance allows. Values are kept as buckets
 * of 1, 2, 4, … values, so memory grows with the logarithm of the window.
 */

/** When a change is told. */
export interface AdwinOptions {
  /** Confidence of a cut (default 0.002). */
  readonly delta?: number;
  /** Values between two looks (default 32). */
  readonly everyValues?: number;
  /** Buckets of one size before two are merged (default 5). */
  readonly bucketsMax?: number;
  /** Least length of either part of a cut (default 5). */
  readonly partMin?: number;
  /** No look before the window is longer than this (default 10). */
  readonly graceValues?: number;
}

/** What the window remembers; plain data. */
export interface AdwinState {
  readonly ticks: number;
  readonly width: number;
  readonly total: number;
  /** Sum of squared deviations from the window's mean. */
  readonly squares: number;
  /** `rows[i]` holds buckets of 2^i values, oldest first, as [total, squares]. */
  readonly rows: readonly (readonly (readonly [number, number])[])[];
}

/** A running window. */
export interface Adwin {
  /** Takes one value; true when the window was cut. */
  update(value: number): boolean;
  /** Values in the window. */
  readonly width: number;
  /** Their mean; 0 for an empty window. */
  readonly mean: number;
  readonly state: AdwinState;
}

type Bucket = readonly [total: number, squares: number];

/** A window, empty or from a saved state. Cost: a look tries every bucket once or more. */
export function adwin(options: AdwinOptions = {}, saved?: AdwinState): Adwin {
  const { delta = 0.002, everyValues = 32, bucketsMax = 5 } = options;
  const { partMin = 5, graceValues = 10 } = options;
  const window = new Window(bucketsMax, saved);
  let ticks = saved?.ticks ?? 0;
  return {
    update: (value) => {
      window.add(value);
      ticks++;
      if (ticks % everyValues !== 0 || window.width <= graceValues) return false;
      let changed = false;
      while (window.hasCut(delta, partMin)) {
        window.dropOldest();
        changed = true;
      }
      return changed;
    },
    get width() {
      return window.width;
    },
    get mean() {
      return window.width === 0 ? 0 : window.total / window.width;
    },
    get state() {
      const { width, total, squares } = window;
      return { ticks, width, total, squares, rows: window.rows.map((row) => row.slice()) };
    },
  };
}

class Window {
  width: number;
  total: number;
  squares: number;
  readonly rows: Bucket[][];
  private readonly bucketsMax: number;

  constructor(bucketsMax: number, saved: AdwinState | undefined) {
    this.bucketsMax = bucketsMax;
    this.width = saved?.width ?? 0;
    this.total = saved?.total ?? 0;
    this.squares = saved?.squares ?? 0;
    this.rows = saved?.rows.map((row) => [...row]) ?? [[]];
  }

  add(value: number): void {
    this.rows[0]?.push([value, 0]);
    this.width++;
    if (this.width > 1) {
      const mean = this.total / (this.width - 1);
      this.squares += ((this.width - 1) * (value - mean) ** 2) / this.width;
    }
    this.total += value;
    this.merge();
  }

  /** Joins the two oldest buckets of a size where there is one too many. */
  private merge(): void {
    for (let size = 0; size < this.rows.length; size++) {
      const row = this.rows[size] ?? [];
      if (row.length <= this.bucketsMax) return;
      const [a = [0, 0], b = [0, 0]] = row.splice(0, 2);
      const count = 2 ** size;
      const apart = (a[0] - b[0]) / count;
      const joined: Bucket = [a[0] + b[0], a[1] + b[1] + (count * apart * apart) / 2];
      if (this.rows[size + 1] === undefined) this.rows.push([]);
      this.rows[size + 1]?.push(joined);
    }
  }

  /** Forgets the oldest bucket. */
  dropOldest(): void {
    const last = this.rows.length - 1;
    const count = 2 ** last;
    const [total, squares] = this.rows[last]?.shift() ?? [0, 0];
    this.width -= count;
    this.total -= total;
    const apart = total / count - this.total / this.width;
    this.squares -= squares + (count * this.width * apart * apart) / (count + this.width);
    while (this.rows.length > 1 && this.rows.at(-1)?.length === 0) this.rows.pop();
  }

  hasCut(delta: number, partMin: number): boolean {
    const confidence = Math.log((2 * Math.log(this.width)) / delta);
    const variance = this.squares / this.width;
    let old = 0;
    let oldTotal = 0;
    for (let size = this.rows.length - 1; size >= 0; size--) {
      for (const [total] of this.rows[size] ?? []) {
        old += 2 ** size;
        oldTotal += total;
        const young = this.width - old;
        if (old < partMin || young < partMin) continue;
        const apart = oldTotal / old - (this.total - oldTotal) / young;
        const inverse = 1 / (old - partMin + 1) + 1 / (young - partMin + 1);
        const chance = Math.sqrt(2 * inverse * variance * confidence);
        if (Math.abs(apart) > chance + (2 / 3) * confidence * inverse) return true;
      }
    }
    return false;
  }
}
