/**
 * Cuts the values of every input column into cells inside which no test of the trees changes its
 * answer. A cut stands after a float32 number: up to it lies one cell, from its successor on the
 * next. All steps between the column and the trees are followed backwards exactly.
 */
import { branchModes, type Column, follow, type Step, type TreeModel } from '@merlon/graph';
import { above, atOrder, below, finite, lastWhere } from './float.ts';

/** Cells of one input column, in order. */
export interface Cells {
  /** Least and greatest float32 of each cell. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** The cells of every input column of a model, by column; columns without tests have one cell. */
export function cellsOf(model: TreeModel, width: number): Cells[] {
  const cuts = Array.from({ length: width }, () => new Set<number>());
  const { ensemble, columns } = model;
  const wanted = columns.map(() => new Set<number>());
  ensemble.mode.forEach((mode, node) => {
    const kind = branchModes[mode];
    const own = wanted[ensemble.feature[node] ?? -1];
    if (kind === undefined || own === undefined) return;
    const threshold = ensemble.threshold[node] ?? 0;
    const values = kind === 'in' ? (ensemble.sets[threshold] ?? []) : [threshold];
    for (const value of values) {
      if (kind !== '<' && kind !== '>=') own.add(after(value));
      if (kind !== '<=' && kind !== '>') own.add(before(value));
    }
  });
  columns.forEach((column, at) => {
    const own = cuts[column.input];
    if (own === undefined) return;
    for (const cut of backwards(column, wanted[at] ?? new Set())) own.add(cut);
  });
  return cuts.map(cellsBetween);
}

/** A cut after a number; 0 and −0 are one number. */
function after(value: number): number {
  return value === 0 ? 0 : value;
}

function before(value: number): number {
  return below(value);
}

function around(value: number): number[] {
  return [before(value), after(value)];
}

/** The cuts of the input column that can change which side of its cuts a feature falls on. */
function backwards(column: Column, cuts: ReadonlySet<number>): Set<number> {
  let now = new Set(cuts);
  for (let k = column.steps.length - 1; k >= 0; k--) {
    const step = column.steps[k];
    if (step !== undefined) now = new Set(stepBack(step, now));
  }
  return now;
}

function stepBack(step: Step, cuts: ReadonlySet<number>): number[] {
  switch (step.kind) {
    case 'equals':
      return around(Math.fround(step.value));
    case 'exceeds':
      return [after(step.value)];
    case 'map':
      return step.keys.flatMap((key) => (Number.isNaN(key) ? [] : around(key)));
    case 'impute':
      return Number.isNaN(step.replaced) ? [...cuts] : [...cuts, ...around(step.replaced)];
    default:
      return monotone(step, cuts);
  }
}

function monotone(step: Step, cuts: ReadonlySet<number>): number[] {
  const column: Column = { input: 0, steps: [step] };
  const falls = follow(column, -1) > follow(column, 1);
  const found = [...cuts].map((cut) =>
    lastWhere((value) => {
      const mapped = follow(column, value);
      return falls ? mapped > cut : mapped <= cut;
    }),
  );
  return found.filter(Number.isFinite);
}

function cellsBetween(cuts: ReadonlySet<number>): Cells {
  const most = atOrder(finite.high);
  const sorted = [...cuts].filter((cut) => Math.abs(cut) < most).sort((a, b) => a - b);
  return {
    low: Float32Array.from([atOrder(finite.low), ...sorted.map(above)]),
    high: Float32Array.from([...sorted, most]),
  };
}

/** The cell of a value. */
export function cellAt({ high }: Cells, value: number): number {
  let from = 0;
  let to = high.length - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (value <= (high[middle] ?? 0)) to = middle;
    else from = middle + 1;
  }
  return from;
}
