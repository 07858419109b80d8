/** Past fingerprints by hash: which earlier query shares the most hashes with a new one. */

/** A past query and how many hashes it shares. */
export interface Match {
  /** Place of the past query, 0 … `queriesMax` − 1. */
  readonly at: number;
  readonly shared: number;
}

/** A ring of fingerprints with an index over their hashes. */
export class FingerprintIndex {
  private readonly prints: (Uint32Array | undefined)[] = [];
  private readonly places = new Map<number, number[]>();
  private readonly shared: Uint16Array;
  private readonly queriesMax: number;
  private added = 0;

  constructor(queriesMax: number) {
    this.queriesMax = queriesMax;
    this.shared = new Uint16Array(queriesMax);
  }

  /** The past query that shares most hashes, the newest of equals; null when none shares any. */
  best(print: Uint32Array, accepts: (at: number) => boolean): Match | null {
    const touched: number[] = [];
    for (const hash of print) {
      for (const at of this.places.get(hash) ?? []) {
        if (this.shared[at] === 0) touched.push(at);
        this.shared[at] = (this.shared[at] ?? 0) + 1;
      }
    }
    let best: Match | null = null;
    for (const at of touched) {
      const shared = this.shared[at] ?? 0;
      this.shared[at] = 0;
      const candidate: Match = { at, shared };
      if ((best === null || this.isBetter(candidate, best)) && accepts(at)) best = candidate;
    }
    return best;
  }

  /** Adds a fingerprint, over the oldest when full; comes back with its place. */
  add(print: Uint32Array): number {
    const at = this.added % this.queriesMax;
    for (const hash of this.prints[at] ?? []) {
      const rest = (this.places.get(hash) ?? []).filter((each) => each !== at);
      if (rest.length === 0) this.places.delete(hash);
      else this.places.set(hash, rest);
    }
    this.prints[at] = print;
    for (const hash of print) {
      const known = this.places.get(hash);
      if (known === undefined) this.places.set(hash, [at]);
      else known.push(at);
    }
    this.added++;
    return at;
  }

  /** Fingerprints held, oldest first; adding them again in that order gives an equal index. */
  get all(): Uint32Array[] {
    const { oldest } = this;
    return [...this.prints.slice(oldest), ...this.prints.slice(0, oldest)].flatMap((each) =>
      each === undefined ? [] : [each],
    );
  }

  /** Place of the oldest. */
  get oldest(): number {
    return this.prints.length < this.queriesMax ? 0 : this.added % this.queriesMax;
  }

  private isBetter(a: Match, b: Match): boolean {
    return a.shared > b.shared || (a.shared === b.shared && this.age(a.at) < this.age(b.at));
  }

  private age(at: number): number {
    return (this.added - 1 - at + this.queriesMax) % this.queriesMax;
  }
}
