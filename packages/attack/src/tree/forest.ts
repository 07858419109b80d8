/**
 * An ensemble compiled for search. Input columns (or one-hot groups of them) become variables with
 * a few cells each; every test becomes "cell ≤ cut", so that a leaf is a box of cell ranges. Tests
 * that hold on more than one stretch of cells (equality, membership) are unrolled; where a test
 * takes one member out of a group, both stretches beside it share what follows.
 */
import { follow, holds, leafMode, type TreeModel } from '@merlon/graph';
import { AttackError } from '../error.ts';
import { type Cells, cellAt, cellsOf } from './cells.ts';

/** One column, or a one-hot group whose cells are its members. */
export interface Variable {
  readonly columns: readonly number[];
  /** Cells of the column; absent for a group. */
  readonly cells?: Cells;
  readonly count: number;
}

/** The compiled ensemble. Leaves are numbered over all trees. */
export interface Forest {
  readonly model: TreeModel;
  readonly width: number;
  readonly variables: readonly Variable[];
  /** First flat cell of each variable, and their number at the end. */
  readonly offset: Int32Array;
  /** The last cell of each variable. */
  readonly last: Int32Array;
  /** Inner nodes: the variable, the last cell that goes left, and both sides (~leaf for leaves). */
  readonly variable: Int32Array;
  readonly cut: Int32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly roots: Int32Array;
  /** Leaves of tree t: `leafStart[t]` up to `leafStart[t + 1]`. */
  readonly leafStart: Int32Array;
  /** The box of leaf l: entries `boxStart[l]` up to `boxStart[l + 1]`; around left-out members. */
  readonly boxStart: Int32Array;
  readonly boxVariable: Int32Array;
  readonly boxLow: Int32Array;
  readonly boxHigh: Int32Array;
  readonly targets: number;
  /** Weights [leaf, target]. */
  readonly weight: Float32Array;
  /** Trees that test each variable. */
  readonly treesOf: readonly Int32Array[];
  /** Variables that any tree tests. */
  readonly tested: Int32Array;
}

const leavesMax = 5_000_000;

/**
 * Compiles a model for rows of `width` columns; `groups` are one-hot groups of column positions.
 * Throws `unsupported-model` for ensembles joined by minimum or maximum, regressors, and too many
 * leaves.
 */
export function compileForest(
  model: TreeModel,
  width: number,
  groups: readonly (readonly number[])[] = [],
): Forest {
  const { ensemble } = model;
  if (ensemble.aggregate === 'min' || ensemble.aggregate === 'max') {
    const message = `trees joined by ${ensemble.aggregate} are not searched leaf by leaf`;
    throw new AttackError('unsupported-model', message);
  }
  if (model.decision.kind === 'none') {
    throw new AttackError('unsupported-model', 'trees expected classes, got a regressor');
  }
  if (model.columns.some(({ input }) => input >= width)) {
    const message = `trees expected rows wider than ${width}`;
    throw new AttackError('invalid-data', message);
  }
  const cells = cellsOf(model, width);
  const { variables, variableOf } = variablesOf(cells, width, groups);
  const builder = treeBuilder(model, cells, variables, variableOf);
  const leafStart = [0];
  const roots: number[] = [];
  const users = variables.map(() => new Set<number>());
  for (const [tree, root] of ensemble.roots.entries()) {
    roots.push(builder.grow(root, (variable) => users[variable]?.add(tree)));
    leafStart.push(builder.leaves());
  }
  const offset = new Int32Array(variables.length + 1);
  variables.forEach(({ count }, v) => {
    offset[v + 1] = (offset[v] ?? 0) + count;
  });
  return {
    model,
    width,
    variables,
    offset,
    last: Int32Array.from(variables, ({ count }) => count - 1),
    ...builder.arrays(),
    roots: Int32Array.from(roots),
    leafStart: Int32Array.from(leafStart),
    targets: ensemble.targets,
    treesOf: users.map((trees) => Int32Array.from(trees)),
    tested: Int32Array.from([...users.keys()].filter((v) => (users[v]?.size ?? 0) > 0)),
  };
}

function variablesOf(cells: readonly Cells[], width: number, groups: Iterable<readonly number[]>) {
  const variableOf = new Int32Array(width).fill(-1);
  const variables: Variable[] = [];
  for (const columns of groups) {
    for (const column of columns) variableOf[column] = variables.length;
    variables.push({ columns, count: columns.length });
  }
  cells.forEach((own, column) => {
    if (variableOf[column] !== -1) return;
    variableOf[column] = variables.length;
    variables.push({ columns: [column], cells: own, count: own.low.length });
  });
  return { variables, variableOf };
}

/** Asks the tests of a model by cells: whether one holds, and up to which cell it stays so. */
function cellTests(model: TreeModel, cells: readonly Cells[], variables: readonly Variable[]) {
  const { ensemble, columns } = model;
  const holdsIn = (node: number, variable: number, cell: number): boolean => {
    const column = columns[ensemble.feature[node] ?? 0];
    if (column === undefined) return false;
    const { columns: members } = variables[variable] ?? { columns: [] };
    const grouped = variables[variable]?.cells === undefined;
    const value = grouped
      ? Number(members[cell] === column.input)
      : (cells[column.input]?.low[cell] ?? 0);
    return holds(ensemble, node, follow(column, value));
  };

  /** The last cell from `from` on, up to `to`, with the same answer as `from`. */
  const runEnd = (node: number, variable: number, from: number, to: number): number => {
    const first = holdsIn(node, variable, from);
    const own = cells[columns[ensemble.feature[node] ?? 0]?.input ?? 0];
    const plain = columns[ensemble.feature[node] ?? 0]?.steps.length === 0;
    const grouped = variables[variable]?.cells === undefined;
    if (plain && !grouped && own !== undefined && (ensemble.mode[node] ?? 9) <= 3) {
      const at = cellAt(own, ensemble.threshold[node] ?? 0);
      for (const end of [at - 1, at]) {
        if (end >= from && end < to && holdsIn(node, variable, end + 1) !== first) return end;
      }
      return to;
    }
    let end = from;
    while (end < to && holdsIn(node, variable, end + 1) === first) end++;
    return end;
  };
  return { holdsIn, runEnd };
}

/** The range of cells of each variable on the way down a tree. */
interface Range {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Where leaves are written down: their boxes and weights. */
function leafBook(ensemble: TreeModel['ensemble']) {
  const box = { start: [0], variable: [], low: [], high: [] } as Record<string, number[]>;
  const weights: number[] = [];
  let count = 0;
  return {
    count: () => count,
    /** Notes a leaf whose box is narrowed in some variables; gives its number. */
    add: (node: number, narrowed: Iterable<number>, range: Range): number => {
      if (count >= leavesMax) {
        throw new AttackError('unsupported-model', `trees of more than ${leavesMax} leaves`);
      }
      for (const v of new Set(narrowed)) {
        box.variable?.push(v);
        box.low?.push(range.low[v] ?? 0);
        box.high?.push(range.high[v] ?? 0);
      }
      box.start?.push(box.variable?.length ?? 0);
      const own = new Float32Array(ensemble.targets);
      const end = ensemble.weightStart[node + 1] ?? 0;
      for (let k = ensemble.weightStart[node] ?? 0; k < end; k++) {
        const target = ensemble.weightTarget[k] ?? 0;
        own[target] = (own[target] ?? 0) + (ensemble.weight[k] ?? 0);
      }
      weights.push(...own);
      return count++;
    },
    arrays: () => ({
      boxStart: Int32Array.from(box.start ?? []),
      boxVariable: Int32Array.from(box.variable ?? []),
      boxLow: Int32Array.from(box.low ?? []),
      boxHigh: Int32Array.from(box.high ?? []),
      weight: Float32Array.from(weights),
    }),
  };
}

/** Where inner nodes are written down: each is added before those below it, and set afterwards. */
function nodeBook() {
  const out = { variable: [], cut: [], left: [], right: [] } as Record<string, number[]>;
  return {
    add: (): number => {
      for (const list of Object.values(out)) list.push(0);
      return (out.variable?.length ?? 0) - 1;
    },
    set: (at: number, values: Readonly<Record<'variable' | 'cut' | 'left' | 'right', number>>) => {
      for (const [name, value] of Object.entries(values)) {
        const list = out[name];
        if (list !== undefined) list[at] = value;
      }
    },
    arrays: () => ({
      variable: Int32Array.from(out.variable ?? []),
      cut: Int32Array.from(out.cut ?? []),
      left: Int32Array.from(out.left ?? []),
      right: Int32Array.from(out.right ?? []),
    }),
  };
}

/** Told of every variable that a tree tests. */
type Uses = (variable: number) => void;

function treeBuilder(
  model: TreeModel,
  cells: readonly Cells[],
  variables: readonly Variable[],
  variableOf: Int32Array,
) {
  const { ensemble, columns } = model;
  const nodes = nodeBook();
  const book = leafBook(ensemble);
  const low = new Int32Array(variables.length);
  const high = Int32Array.from(variables, ({ count }) => count - 1);
  const holes = variables.map(() => new Set<number>());
  const narrowed: number[] = [];
  const { holdsIn, runEnd } = cellTests(model, cells, variables);
  const grow = (node: number, uses: Uses): number => {
    if (ensemble.mode[node] === leafMode) return ~book.add(node, narrowed, { low, high });
    const v = variableOf[columns[ensemble.feature[node] ?? 0]?.input ?? 0] ?? 0;
    const [from, to] = [low[v] ?? 0, high[v] ?? 0];
    const end = runEnd(node, v, from, to);
    const child = (holdsIn(node, v, from) ? ensemble.yes[node] : ensemble.no[node]) ?? 0;
    if (end === to) return grow(child, uses);
    if (variables[v]?.cells === undefined && runEnd(node, v, end + 1, to) === end + 1) {
      if (end + 1 < to) return growAround(node, child, { v, hole: end + 1 }, uses);
    }
    uses(v);
    const at = nodes.add();
    narrowed.push(v);
    high[v] = end;
    const left = grow(child, uses);
    high[v] = to;
    low[v] = end + 1;
    const right = grow(node, uses);
    low[v] = from;
    narrowed.pop();
    nodes.set(at, { variable: v, cut: end, left, right });
    return at;
  };

  /** One member goes another way than all others of its group, on both sides of it. */
  const growAround = (
    node: number,
    others: number,
    { v, hole }: { readonly v: number; readonly hole: number },
    uses: Uses,
  ): number => {
    const own = holes[v] ?? new Set();
    if (own.has(hole)) return grow(others, uses);
    uses(v);
    const [from, to] = [low[v] ?? 0, high[v] ?? 0];
    const [first, second] = [nodes.add(), nodes.add()];
    narrowed.push(v);
    own.add(hole);
    const beside = grow(others, uses);
    own.delete(hole);
    low[v] = high[v] = hole;
    const inside = grow(node, uses);
    low[v] = from;
    high[v] = to;
    narrowed.pop();
    nodes.set(first, { variable: v, cut: hole - 1, left: beside, right: second });
    nodes.set(second, { variable: v, cut: hole, left: inside, right: beside });
    return first;
  };

  return {
    grow,
    leaves: book.count,
    arrays: () => ({ ...nodes.arrays(), ...book.arrays() }),
  };
}

/** The cells of a row; −1 for a group without exactly one member. */
export function cellsOfRow(forest: Forest, row: Float32Array): Int32Array {
  return Int32Array.from(forest.variables, ({ columns, cells }) => {
    if (cells !== undefined) return cellAt(cells, row[columns[0] ?? 0] ?? 0);
    const ones = columns.filter((column) => row[column] === 1);
    return ones.length === 1 ? columns.indexOf(ones[0] ?? -1) : -1;
  });
}

/** The leaf of a tree that a point of cells ends in. */
export function leafAt(forest: Forest, tree: number, cells: Int32Array): number {
  const { variable, cut, left, right } = forest;
  let node = forest.roots[tree] ?? 0;
  while (node >= 0) {
    const goesLeft = (cells[variable[node] ?? 0] ?? 0) <= (cut[node] ?? 0);
    node = (goesLeft ? left[node] : right[node]) ?? 0;
  }
  return ~node;
}
