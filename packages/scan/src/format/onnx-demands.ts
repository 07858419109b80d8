/**
 * What an ONNX model of few bytes would make its loader do without bound: functions that call
 * themselves or double at every level once they are put in place of their calls, and tensors whose
 * size stands in the model as a number.
 */

/** A fault, with what shows it. */
export interface Demand {
  readonly severity: 'medium' | 'high';
  readonly evidence: string;
  readonly offset: number;
}

/** A node as far as its demands go. */
export interface NodeDemand {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly offset: number;
}

/** Nodes after all functions are in place; real models stay below a million. */
const nodesMax = 2 ** 24;
/** Elements that one node may make out of a number; four gigabytes at the least. */
const elementsMax = 2 ** 32;
/** More rounds than a year holds nanoseconds. */
const roundsMax = 2 ** 55;
const keptMax = 100_000;
/** Operators that make a tensor of a size that an input gives, with the index of that input. */
const sized: Readonly<Record<string, number>> = {
  ConstantOfShape: 0,
  Expand: 1,
  Tile: 1,
  OneHot: 1,
  Range: 1,
};

/** Gathers what functions and nodes ask for; `finish` says what is too much. */
export class Demands {
  readonly #functions = new Map<string, ReadonlyMap<string, number>>();
  readonly #constants = new Map<string, readonly number[]>();
  readonly #nodes: NodeDemand[] = [];
  readonly #shapes: Demand[] = [];
  #functionAt = 0;

  /** A constant of whole numbers, by the name under which nodes ask for it. */
  constant(name: string, values: readonly number[]): void {
    if (this.#constants.size < keptMax) this.#constants.set(name, values);
  }

  /** A shape that stands in the node itself (`RandomNormal`, `RandomUniform`). */
  shape(operator: string, values: readonly number[], offset: number): void {
    const elements = values.reduce((product, each) => product * Math.max(1, each), 1);
    if (elements <= elementsMax || this.#shapes.length >= keptMax) return;
    const evidence = `${operator} of ${elements} elements`;
    this.#shapes.push({ severity: 'high', evidence, offset });
  }

  node(node: NodeDemand): void {
    const wanted = Object.hasOwn(sized, node.operator) || node.operator === 'Loop';
    if (wanted && this.#nodes.length < keptMax) this.#nodes.push(node);
  }

  /** A function by `domain::name`, with how often it calls which others. */
  define(key: string, calls: ReadonlyMap<string, number>, offset: number): void {
    if (this.#functions.size >= keptMax) return;
    this.#functions.set(key, calls);
    this.#functionAt = offset;
  }

  /** All that is too much. */
  finish(): Demand[] {
    const found = [...this.#shapes, ...this.#nodes.flatMap((node) => this.#judge(node) ?? [])];
    const growth = this.#growth();
    return growth === null ? found : [growth, ...found];
  }

  #judge({ operator, inputs, offset }: NodeDemand): Demand | null {
    if (operator === 'Loop') {
      const [rounds = 0] = this.#constants.get(inputs[0] ?? '') ?? [];
      const endless = (inputs[1] ?? '') === '' && rounds > roundsMax;
      const evidence = `Loop of ${rounds} rounds without a condition`;
      return endless ? { severity: 'medium', evidence, offset } : null;
    }
    const given = this.#constants.get(inputs[sized[operator] ?? 0] ?? '') ?? [];
    const elements = given.reduce((product, each) => product * Math.max(1, each), 1);
    const evidence = `${operator} of ${elements} elements`;
    return elements > elementsMax ? { severity: 'high', evidence, offset } : null;
  }

  /** Functions in the order of their calls (Kahn 1962): what is left over calls itself. */
  #growth(): Demand | null {
    const offset = this.#functionAt;
    const callers = new Map<string, string[]>();
    const waiting = new Map<string, number>();
    for (const [key, calls] of this.#functions) {
      const own = [...calls.keys()].filter((callee) => this.#functions.has(callee));
      waiting.set(key, own.length);
      for (const callee of own) {
        const known = callers.get(callee);
        if (known === undefined) callers.set(callee, [key]);
        else known.push(key);
      }
    }
    const nodes = new Map<string, number>();
    const ready = [...waiting].filter(([, count]) => count === 0).map(([key]) => key);
    for (let key = ready.pop(); key !== undefined; key = ready.pop()) {
      let total = 0;
      for (const [callee, count] of this.#functions.get(key) ?? []) {
        total += count * (nodes.get(callee) ?? 1);
      }
      if (total > nodesMax) {
        const evidence = `function ${key} unfolds to more than ${nodesMax} nodes`;
        return { severity: 'high', evidence, offset };
      }
      nodes.set(key, total);
      for (const caller of callers.get(key) ?? []) {
        const left = (waiting.get(caller) ?? 0) - 1;
        waiting.set(caller, left);
        if (left === 0) ready.push(caller);
      }
    }
    const circle = [...waiting].find(([, count]) => count > 0);
    if (circle === undefined) return null;
    return { severity: 'high', evidence: `function ${circle[0]} calls itself`, offset };
  }
}
