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
  const index = pathIndex(forest);
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
        const first = book.walk(index.node[entry] ?? 0, point.cells, v, low, high);
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
  const { variable, cut, left, right } = forest;
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
    walk: (from: number, cells: Int32Array, v: number, first: number, last: number): number => {
      let depth = 0;
      let low = first;
      let high = last;
      let node = from;
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

/** Where trees test a variable on their ways to the leaves of a point, and how far those reach. */
function pathIndex({ last, roots, variable, cut, left, right }: Forest) {
  const head = new Int32Array(last.length).fill(-1);
  let known: Int32Array | undefined;
  const view = {
    head,
    next: new Int32Array(1024),
    tree: new Int32Array(1024),
    /** The first node of the tree that tests the variable. */
    node: new Int32Array(1024),
    low: new Int32Array(1024),
    high: new Int32Array(1024),
    /** Reads the leaves of a point; nothing is done when it is the one read last. */
    read: ({ cells, leaf }: ProfilePoint): void => {
      if (known === leaf) return;
      known = leaf;
      head.fill(-1);
      let count = 0;
      for (let t = 0; t < roots.length; t++) {
        for (let node = roots[t] ?? 0; node >= 0; ) {
          const v = variable[node] ?? 0;
          let entry = head[v] ?? -1;
          if (entry < 0 || view.tree[entry] !== t) {
            if (count === view.next.length) widen(view);
            entry = count++;
            view.next[entry] = head[v] ?? -1;
            view.tree[entry] = t;
            view.node[entry] = node;
            view.low[entry] = 0;
            view.high[entry] = last[v] ?? 0;
            head[v] = entry;
          }
          const end = cut[node] ?? 0;
          const goesLeft = (cells[v] ?? 0) <= end;
          if (goesLeft) view.high[entry] = Math.min(view.high[entry] ?? 0, end);
          else view.low[entry] = Math.max(view.low[entry] ?? 0, end + 1);
          node = (goesLeft ? left[node] : right[node]) ?? 0;
        }
      }
    },
  };
  return view;
}

function widen(view: Record<'next' | 'tree' | 'node' | 'low' | 'high', Int32Array>): void {
  for (const name of ['next', 'tree', 'node', 'low', 'high'] as const) {
    const wide = new Int32Array(2 * view[name].length);
    wide.set(view[name]);
    view[name] = wide;
  }
}
