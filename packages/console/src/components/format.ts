/** Figures and times as people read them. */

/** A fraction as a percentage. */
export function percent(value: unknown): string {
  return typeof value === 'number' ? `${(100 * value).toFixed(1)} %` : '–';
}

/** A change of a fraction in percentage points, with its sign. */
export function points(after: number, before: number): string {
  const change = 100 * (after - before);
  return `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(1)} points`;
}

/** A size with its unit. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} kB`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

/** Date and time. */
export function when(iso: string | null): string {
  if (iso === null) return '–';
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** Date. */
export function day(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { dateStyle: 'medium' });
}

/** Time of day with milliseconds, where the reader is. */
export function clockTime(iso: string): string {
  const at = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** Time between two times; a dash while the second has not come. */
export function secondsBetween(from: string, to: string | null): string {
  if (to === null) return '–';
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  if (seconds < 0.1) return `${Math.round(1000 * seconds)} ms`;
  return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
}

/** A number with few digits. */
export function short(value: unknown): string {
  if (typeof value !== 'number') return '–';
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString();
}

const detectors: Readonly<Record<string, string>> = {
  'drift-ks': 'Drift (KS)',
  'extraction-prada': 'Extraction (PRADA)',
  'scan-critical': 'Scan of what is served',
  'scrub-damage': 'Reading of objects',
  'sequence-neighbour': 'Series of near-equal queries',
  'sequence-direction': 'Walks in drawn directions',
};

/** A detector as people call it; its own name when it is unknown. */
export function detectorName(name: unknown): string {
  return typeof name === 'string' ? (detectors[name] ?? name) : '–';
}

/** A count with its noun. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`;
}
