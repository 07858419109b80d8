/** Selection instead of sorting: the k-th greatest of many numbers in linear time on average. */

/**
 * The `rank`-th greatest of the first `count` values (1 is the greatest), which are reordered so
 * that those before it are not less (Hoare 1961, FIND). Nothing is allocated.
 */
export function greatest(values: Float64Array, count: number, rank: number): number {
  const goal = Math.min(Math.max(rank, 1), count) - 1;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = middleOf(values, low, high);
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] ?? 0) > pivot) left++;
      while ((values[right] ?? 0) < pivot) right--;
      if (left > right) break;
      const held = values[left] ?? 0;
      values[left++] = values[right] ?? 0;
      values[right--] = held;
    }
    if (goal <= right) high = right;
    else if (goal >= left) low = left;
    else break;
  }
  return values[goal] ?? 0;
}

/** The median of three, which keeps sorted and constant runs linear. */
function middleOf(values: Float64Array, low: number, high: number): number {
  const a = values[low] ?? 0;
  const b = values[(low + high) >> 1] ?? 0;
  const c = values[high] ?? 0;
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
