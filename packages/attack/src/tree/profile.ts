/**
 * All changes of one variable at once: for every stretch of cells the margin that the trees would
 * have there, the other variables staying. A walk of each tree with one variable left free meets
 * every leaf that matters once; what changes at the ends of their ranges adds up to the margins.
 */
import type { Forest } from './forest.ts';
import type { Goal } from './goal.ts';
import type { Point } from './point.ts';

/** Room for profiles of a forest; used again and again. */
export interface Profile {
  /** First cells of the stretches after `fill`, and the cell after the last one. */
  readonly start: Int32Array;
  /** The margin of each stretch after `fill`. */
  readonly margin: Float64Array;
  /** Reads a range of one variable's cells, the others as the point has them; counts stretches. */
  fill(point: ProfilePoint, variable: number, low: number, high: number): number;
}

/** What a profile is computed around. */
export type ProfilePoint = Pick<Point, 'cells' | 'sums' | 'leaf'>;

/** A profile of the margin of a goal. */
export function profileOf(forest: Forest, goal: Goal): Profile {
  const { rivals, worth, base } = goal;
  const book = changeBook(forest, goal);
  const index = leafIndex(forest);
  const sums = new Float64Array(rivals);
  const profile = {
    start: new Int32Array(64),
    margin: new Float64Array(64),
    fill: (point: ProfilePoint, v: number, low: number, high: number): number => {
      for (let r = 0; r < rivals; r++) sums[r] = point.sums[r] ?? 0;
      book.clear();
      index.read(point);
      for (let entry = index.head[v] ?? -1; entry >= 0; entry = index.next[entry] ?? -1) {
        // A leaf whose own range holds all of these cells stays the leaf.
        if ((index.low[entry] ?? 0) <= low && (index.high[entry] ?? 0) >= high) continue;
        const tree = index.tree[entry] ?? 0;
        const old = point.leaf[tree] ?? 0;
        for (let r = 0; r < rivals; r++) sums[r] = (sums[r] ?? 0) - (worth[old * rivals + r] ?? 0);
        const first = book.walk(tree, point.cells, v, low, high);
        for (let r = 0; r < rivals; r++) {
          sums[r] = (sums[r] ?? 0) + (worth[first * rivals + r] ?? 0);
        }
      }
      return join(low, high);
    },
  };
  const join = (low: number, high: number): number => {
    const order = book.sorted();
    if (order.length + 2 > profile.start.length) {
      profile.start = new Int32Array(2 * order.length + 2);
      profile.margin = new Float64Array(2 * order.length + 2);
    }
    const { start, margin } = profile;
    const [only = 0] = base;
    start[0] = low;
    let count = 0;
    for (const packed of order) {
      const cell = Math.floor(packed / changesMax);
      const change = packed % changesMax;
      if (cell !== start[count]) {
        margin[count] = rivals === 1 ? only + (sums[0] ?? 0) : goal.margin(sums);
        start[++count] = cell;
      }
      for (let r = 0; r < rivals; r++) {
        sums[r] = (sums[r] ?? 0) + (book.change[change * rivals + r] ?? 0);
      }
    }
    margin[count] = goal.margin(sums);
    start[++count] = high + 1;
    return count;
  };
  return profile;
}

/** Changes of one variable are numbered below this, so that a cell and a number fit one double. */
const changesMax = 2 ** 22;

/** Walks trees with one variable free and notes at which cells their leaf changes, by how much. */
function changeBook(forest: Forest, { rivals, worth }: Goal) {
  const { variable, cut, left, right, roots } = forest;
  const stackNode = new Int32Array(4096);
  const stackEnd = new Int32Array(4096);
  let count = 0;
  let packed = new Float64Array(1024);
  const book = {
    change: new Float64Array(1024 * rivals),
    clear: () => {
      count = 0;
    },
    /** Cells of changes with their numbers, in order. */
    sorted: () => packed.subarray(0, count).sort(),
    /** The leaf at the first cell; later ones are noted. */
    walk: (tree: number, cells: Int32Array, v: number, first: number, last: number): number => {
      let depth = 0;
      let low = first;
      let high = last;
      let node = roots[tree] ?? 0;
      let begun = -1;
      let before = 0;
      while (true) {
        while (node >= 0) {
          const own = variable[node] ?? 0;
          const end = cut[node] ?? 0;
          if (own !== v) node = ((cells[own] ?? 0) <= end ? left[node] : right[node]) ?? 0;
          else if (high <= end) node = left[node] ?? 0;
          else if (low > end) node = right[node] ?? 0;
          else {
            stackNode[depth] = right[node] ?? 0;
            stackEnd[depth] = high;
            depth++;
            high = end;
            node = left[node] ?? 0;
          }
        }
        if (begun < 0) begun = ~node;
        else note(low, before, ~node);
        before = ~node;
        if (depth === 0) return begun;
        depth--;
        low = high + 1;
        high = stackEnd[depth] ?? 0;
        node = stackNode[depth] ?? 0;
      }
    },
  };
  const note = (cell: number, before: number, after: number): void => {
    if (count === packed.length) {
      packed = doubled(packed);
      book.change = doubled(book.change);
    }
    packed[count] = cell * changesMax + count;
    for (let r = 0; r < rivals; r++) {
      const more = (worth[after * rivals + r] ?? 0) - (worth[before * rivals + r] ?? 0);
      book.change[count * rivals + r] = more;
    }
    count++;
  };
  return book;
}

function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(2 * array.length);
  wide.set(array);
  return wide;
}

/** Which trees test a variable on their way to the leaves of a point, and how far those reach. */
function leafIndex({ last, roots, boxStart, boxVariable, boxLow, boxHigh }: Forest) {
  const head = new Int32Array(last.length).fill(-1);
  let room = 1024;
  let known: Int32Array | undefined;
  const grow = (array: Int32Array): Int32Array => {
    const wide = new Int32Array(room);
    wide.set(array);
    return wide;
  };
  const fresh = (): Int32Array => new Int32Array(room);
  const view = {
    head,
    next: fresh(),
    tree: fresh(),
    low: fresh(),
    high: fresh(),
    /** Reads the leaves of a point; nothing is done when it is the one read last. */
    read: (point: ProfilePoint): void => {
      if (known === point.leaf) return;
      known = point.leaf;
      head.fill(-1);
      let count = 0;
      for (let t = 0; t < roots.length; t++) {
        const leaf = point.leaf[t] ?? 0;
        for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
          if (count === room) {
            room *= 2;
            view.next = grow(view.next);
            view.tree = grow(view.tree);
            view.low = grow(view.low);
            view.high = grow(view.high);
          }
          const v = boxVariable[e] ?? 0;
          view.next[count] = head[v] ?? -1;
          view.tree[count] = t;
          view.low[count] = boxLow[e] ?? 0;
          view.high[count] = boxHigh[e] ?? 0;
          head[v] = count++;
        }
      }
    },
  };
  return view;
}
