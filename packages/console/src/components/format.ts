/** Figures and times as people read them. */

/** A fraction as a percentage. */
export function percent(value: unknown): string {
  return typeof value === 'number' ? `${(100 * value).toFixed(1)} %` : '–';
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

/** Time of day with milliseconds. */
export function clockTime(iso: string): string {
  return new Date(iso).toISOString().slice(11, 23);
}

/** Seconds between two times. */
export function secondsBetween(from: string, to: string | null): string {
  if (to === null) return '–';
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
}

/** A number with few digits. */
export function short(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : '–';
}
