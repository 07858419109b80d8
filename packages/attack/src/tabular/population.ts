/** Sorting a population by several goals at once (NSGA-II, Deb et al. 2002, sections III-A, B). */

/** A row and its goals, each the better the smaller. */
export interface Individual {
  readonly row: Float32Array;
  readonly goals: readonly number[];
}

/** Fronts: the first holds those that nobody beats in every goal, and so on. */
export function fronts(people: readonly Individual[]): Individual[][] {
  const beatenBy = people.map((one) => people.filter((other) => beats(other, one)).length);
  const left = new Set(people.keys());
  const found: Individual[][] = [];
  const count = beatenBy.slice();
  while (left.size > 0) {
    const front = [...left].filter((i) => (count[i] ?? 0) === 0);
    if (front.length === 0) break;
    for (const i of front) left.delete(i);
    for (const i of left) {
      const one = people[i];
      const gone = front.filter((k) => {
        const other = people[k];
        return one !== undefined && other !== undefined && beats(other, one);
      });
      count[i] = (count[i] ?? 0) - gone.length;
    }
    found.push(front.flatMap((i) => people[i] ?? []));
  }
  return found;
}

/** A front with those first that stand far from their neighbours. */
export function spreadOut(front: readonly Individual[]): Individual[] {
  const room = new Map(front.map((one) => [one, 0]));
  const goals = front[0]?.goals.length ?? 0;
  for (let goal = 0; goal < goals; goal++) {
    const at = (one: Individual | undefined) => one?.goals[goal] ?? 0;
    const sorted = front.toSorted((a, b) => at(a) - at(b));
    const range = at(sorted.at(-1)) - at(sorted[0]);
    sorted.forEach((one, i) => {
      const edge = i === 0 || i === sorted.length - 1;
      const gap = range > 0 ? (at(sorted[i + 1]) - at(sorted[i - 1])) / range : 0;
      room.set(one, (room.get(one) ?? 0) + (edge ? Number.POSITIVE_INFINITY : gap));
    });
  }
  return front.toSorted((a, b) => {
    const difference = (room.get(b) ?? 0) - (room.get(a) ?? 0);
    return Number.isNaN(difference) ? 0 : difference;
  });
}

function beats(a: Individual, b: Individual): boolean {
  let better = false;
  for (let k = 0; k < a.goals.length; k++) {
    const difference = (a.goals[k] ?? 0) - (b.goals[k] ?? 0);
    if (difference > 0) return false;
    if (difference < 0) better = true;
  }
  return better;
}
