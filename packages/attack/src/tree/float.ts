/** float32 numbers in their order, as integers: the one before and after, and bisection. */

const word = new DataView(new ArrayBuffer(4));

/** An integer for a float32 number, in the same order; −0 comes before 0. */
export function orderOf(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getInt32(0);
  return bits >= 0 ? bits : -(bits & 0x7fffffff) - 1;
}

/** The float32 number of such an integer. */
export function atOrder(order: number): number {
  word.setInt32(0, order >= 0 ? order : (-order - 1) | 0x80000000);
  return word.getFloat32(0);
}

/** The greatest float32 below a float32. */
export function below(value: number): number {
  return value === 0 ? atOrder(-2) : atOrder(orderOf(value) - 1);
}

/** The least float32 above a float32. */
export function above(value: number): number {
  const next = value === 0 ? atOrder(1) : atOrder(orderOf(value) + 1);
  return next === 0 ? 0 : next;
}

/** Order of the least and greatest finite float32. */
export const finite = {
  low: orderOf(-3.4028234663852886e38),
  high: orderOf(3.4028234663852886e38),
};

/**
 * The greatest finite float32 for which a test holds that holds up to somewhere and nowhere after;
 * −Infinity when it holds nowhere.
 */
export function lastWhere(holds: (value: number) => boolean): number {
  let low = finite.low - 1;
  let high = finite.high;
  if (holds(atOrder(high))) return atOrder(high);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(atOrder(middle))) low = middle;
    else high = middle;
  }
  return low < finite.low ? Number.NEGATIVE_INFINITY : atOrder(low);
}
