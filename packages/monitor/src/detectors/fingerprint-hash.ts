/**
 * Probabilistic fingerprints of rows (Li et al., USENIX Security 2022, section 4): values shifted
 * by a secret, quantised, hashed window by window; the greatest hashes stay. A rolling hash with a
 * secret table stands in for SHA-256, which costs nine times as much and hides nothing more here.
 */
import { seeded } from '@merlon/core';

/** How fingerprints are taken. */
export interface FingerprintSettings {
  /** Values hashed together. */
  readonly window: number;
  /** Values from one window to the next. */
  readonly step: number;
  /** Width of a quantum where the range of values is 255 wide. */
  readonly quantum: number;
  /** Hashes kept of a row. */
  readonly hashes: number;
}

/** Where values lie and what is secret. */
export interface FingerprintSpace {
  readonly features: number;
  /** Least and greatest value of a feature (default 0 and 1). */
  readonly min?: number;
  readonly max?: number;
  /** Secret number that decides shifts and hashes. */
  readonly salt: number;
}

/** The hashes of a row, distinct, greatest first. */
export type Fingerprint = (row: Float32Array) => Uint32Array;

/**
 * A function from rows to fingerprints that leave out `common` hashes. Cost: one pass and a sort
 * of all windows.
 */
export function fingerprint(
  settings: FingerprintSettings,
  space: FingerprintSpace,
  common: ReadonlySet<number> = new Set(),
): Fingerprint {
  const { step, quantum, hashes } = settings;
  const { features, min = 0, max = 1, salt } = space;
  const window = Math.min(settings.window, features);
  const random = seeded(salt).fork('fingerprint');
  const shifts = Uint8Array.from({ length: features }, () => random.integer(255));
  const table = Uint32Array.from({ length: 256 }, () => random.uint32());
  const windows = Math.floor((features - window) / step) + 1;
  const found = new Uint32Array(windows);
  const quanta = new Uint8Array(features);
  const factor = 255 / (max - min);
  return (row) => {
    for (let i = 0; i < features; i++) {
      const value = Math.min(255, Math.max(0, Math.round(((row[i] ?? 0) - min) * factor)));
      quanta[i] = Math.floor(((value + (shifts[i] ?? 0)) % 255) / quantum);
    }
    let hash = 0;
    for (let i = 0, w = 0; i < features; i++) {
      hash = rotate(hash, 1) ^ (table[quanta[i] ?? 0] ?? 0);
      if (i >= window) hash ^= rotate(table[quanta[i - window] ?? 0] ?? 0, window);
      const start = i - window + 1;
      // The place counts: equal windows at other places are other windows.
      if (start >= 0 && start % step === 0) found[w++] = mix(hash ^ Math.imul(start, 0x9e3779b9));
    }
    return greatest(found, Math.min(hashes, windows), common);
  };
}

function greatest(found: Uint32Array, count: number, common: ReadonlySet<number>): Uint32Array {
  const sorted = found.slice().sort();
  const kept = new Uint32Array(count);
  let at = 0;
  for (let i = sorted.length - 1; i >= 0 && at < count; i--) {
    const hash = sorted[i] ?? 0;
    if (hash !== sorted[i + 1] && !common.has(hash)) kept[at++] = hash;
  }
  return kept.slice(0, at);
}

function rotate(x: number, bits: number): number {
  const by = bits & 31;
  return (x << by) | (x >>> ((32 - by) & 31));
}

function mix(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
