/** "Did you mean": the known name that differs least from what was written. */

/**
 * The nearest of `known` to `wanted` by edit distance (Damerau 1964), letters' case not
 * counted; undefined when nothing is near enough (more than half of the letters differ).
 */
export function nearest(wanted: string, known: Iterable<string>): string | undefined {
  const text = wanted.toLowerCase().slice(0, lengthMax);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 2)) + 1;
  for (const name of known) {
    const distance = editDistance(text, name.toLowerCase().slice(0, lengthMax));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = name;
    }
  }
  return best;
}

/** ` (did you mean "…"?)`, or nothing when no known name is near. */
export function didYouMean(wanted: string, known: Iterable<string>): string {
  const name = nearest(wanted, known);
  return name === undefined ? '' : ` (did you mean "${name}"?)`;
}

const lengthMax = 80;

/** Optimal string alignment: insert, delete, replace and swap of neighbours cost 1 each. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
