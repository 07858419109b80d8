/** The cheapest few moves met so far, and the cost from which on another one is of no use. */

/** A point that reaches the goal, and what it costs. */
export interface Move {
  readonly cost: number;
  /** Variables and the cells that they move to. */
  readonly changes: readonly (readonly [variable: number, cell: number])[];
}

/** A short list of moves, the cheapest first. */
export interface BestMoves {
  readonly list: readonly Move[];
  /** Only moves below this cost are kept. */
  limit(): number;
  add(move: Move): void;
}

/** Keeps up to `count` moves that cost less than `most`. */
export function bestMoves(count: number, most: number): BestMoves {
  const list: Move[] = [];
  const limit = () => (list.length < count ? most : (list.at(-1)?.cost ?? most));
  return {
    list,
    limit,
    add: (move) => {
      if (!(move.cost < limit())) return;
      if (list.length === count) list.pop();
      let at = list.length;
      while (at > 0 && (list[at - 1]?.cost ?? 0) > move.cost) at--;
      list.splice(at, 0, move);
    },
  };
}
