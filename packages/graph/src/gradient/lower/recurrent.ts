/** Recurrent layers unrolled over a sequence of a fixed length (operators RNN, GRU, LSTM). */
import { unsupported } from '../../error.ts';
import { float, int, type OnnxNode } from '../../onnx/model.ts';
import { wireFields, text as wireText } from '../../proto/wire.ts';
import { add, has, integer, listOf, mul, number, slice, sub, text, transpose } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const recurrentLowerings: Readonly<Record<string, Lowering>> = {
  RNN: (context, forward) =>
    layer(context, forward, { gates: 1, cell: plainCell, activations: ['Tanh'] }),
  GRU: (context, forward) =>
    layer(context, forward, { gates: 3, cell: gatedCell, activations: ['Sigmoid', 'Tanh'] }),
  LSTM: (context, forward) =>
    layer(context, forward, {
      gates: 4,
      cell: memoryCell,
      activations: ['Sigmoid', 'Tanh', 'Tanh'],
    }),
};

/** Longer sequences make graphs of too many nodes. */
const stepsMax = 1024;

interface Kind {
  readonly gates: number;
  readonly cell: Cell;
  readonly activations: readonly string[];
}

/** State after a step; the first of an absent initial state is null, which counts as zeros. */
interface State {
  readonly hidden: string | null;
  readonly memory: string | null;
}

interface Direction {
  readonly forward: OnnxNode;
  readonly hidden: number;
  /** Recurrent weights [hidden, gates · hidden]. */
  readonly recurrent: string;
  /** Recurrent bias of all gates, or null. */
  readonly bias: string | null;
  /** Weights from the memory to the gates [1, 3 · hidden], or null. */
  readonly peepholes: string | null;
  readonly activations: readonly ((value: string) => string)[];
}

/** One step: `input` holds the weighted input with its bias for all gates. */
type Cell = (context: Lower, of: Direction, input: string, state: State) => State;

function layer(context: Lower, forward: OnnxNode, kind: Kind): void {
  const [x = ''] = forward.inputs;
  const batchFirst = integer(forward, 'layout', 0) === 1;
  const axis = batchFirst ? 1 : 0;
  const steps = context.shape(x)[axis] ?? 0;
  const lengths = has(forward, 4) ? listOf(context, forward, 4) : [];
  if (context.rows(x, axis)) {
    throw unsupported(forward.operator, forward.name, 'its sequence is as long as the batch');
  }
  if (lengths === null || lengths.some((length) => length !== steps)) {
    throw unsupported(forward.operator, forward.name, 'its rows have lengths of their own');
  }
  if (steps > stepsMax) {
    throw unsupported(forward.operator, forward.name, `its sequence has ${steps} steps`);
  }
  const sequence = batchFirst ? transpose(context, x, [1, 0, 2]) : x;
  const mode = text(forward, 'direction', 'forward');
  const reverses = mode === 'bidirectional' ? [false, true] : [mode === 'reverse'];
  const runs = reverses.map((reverse, index) =>
    direction(context, forward, { kind, sequence, steps, reverse, index }),
  );
  const stack = (parts: readonly string[], at: number): string => {
    const stood = parts.map((part) => context.emit('Unsqueeze', [part, context.ints([at])]));
    return stood.length === 1 ? (stood[0] ?? '') : context.emit('Concat', stood, { axis: int(at) });
  };
  const wanted = (index: number): boolean => (forward.outputs[index] ?? '') !== '';
  const last = (parts: readonly string[]): string => {
    const stacked = stack(parts, 0);
    return batchFirst ? transpose(context, stacked, [1, 0, 2]) : stacked;
  };
  if (wanted(0)) {
    // [steps, rows, hidden] of every direction, then [steps, directions, rows, hidden].
    const whole = stack(
      runs.map(({ outputs }) => stack(outputs, 0)),
      1,
    );
    context.output(forward, 0, batchFirst ? transpose(context, whole, [2, 0, 1, 3]) : whole);
  }
  if (wanted(1)) context.output(forward, 1, last(runs.map(({ state }) => state.hidden ?? '')));
  if (wanted(2)) context.output(forward, 2, last(runs.map(({ state }) => state.memory ?? '')));
}

/** Runs one direction; outputs stand in the order of the sequence. */
function direction(
  context: Lower,
  forward: OnnxNode,
  of: {
    readonly kind: Kind;
    readonly sequence: string;
    readonly steps: number;
    readonly reverse: boolean;
    readonly index: number;
  },
): { readonly outputs: readonly string[]; readonly state: State } {
  const { kind, index, steps } = of;
  const hidden = context.shape(forward.inputs[2] ?? '')[2] ?? 1;
  const width = kind.gates * hidden;
  const batchFirst = integer(forward, 'layout', 0) === 1;
  const part = (input: number): string | null => {
    if (!has(forward, input)) return null;
    const axis = batchFirst && input > 4 && input < 7 ? 1 : 0;
    const own = slice(context, forward.inputs[input] ?? '', { axis, start: index, end: index + 1 });
    return context.emit('Squeeze', [own, context.ints([axis])]);
  };
  const [weights, recurrent, biases] = [part(1) ?? '', part(2) ?? '', part(3)];
  const product = context.emit('MatMul', [of.sequence, transpose(context, weights, [1, 0])]);
  const bias = (start: number): string | null =>
    biases === null ? null : slice(context, biases, { axis: 0, start, end: start + width });
  const inputBias = bias(0);
  const inputs = inputBias === null ? product : add(context, product, inputBias);
  const parts = context.emitMany('Split', [inputs], {
    outputs: steps,
    attributes: { axis: int(0), num_outputs: int(steps) },
  });
  const own: Direction = {
    forward,
    hidden,
    recurrent: transpose(context, recurrent, [1, 0]),
    bias: bias(width),
    peepholes: kind.gates === 4 ? part(7) : null,
    activations: kind.activations.map((_, i) => {
      return activation(context, forward, { kind, at: index * kind.activations.length + i });
    }),
  };
  let state: State = { hidden: part(5), memory: kind.gates === 4 ? part(6) : null };
  const outputs: string[] = [];
  for (const each of of.reverse ? parts.toReversed() : parts) {
    const input = context.emit('Squeeze', [each, context.ints([0])]);
    state = kind.cell(context, own, input, state);
    outputs.push(state.hidden ?? '');
  }
  return { outputs: of.reverse ? outputs.toReversed() : outputs, state };
}

/** The gates of an input [rows, gates · hidden]. */
function gatesOf(context: Lower, value: string, count: number): string[] {
  if (count === 1) return [value];
  const attributes = { axis: int(-1), num_outputs: int(count) };
  return context.emitMany('Split', [value], { outputs: count, attributes });
}

function biased(context: Lower, value: string, bias: string | null): string {
  return bias === null ? value : add(context, value, bias);
}

/** What the hidden state adds to the gates. */
function recurring(context: Lower, of: Direction, hidden: string | null): string | null {
  if (hidden === null) return of.bias;
  return biased(context, context.emit('MatMul', [hidden, of.recurrent]), of.bias);
}

function plainCell(context: Lower, of: Direction, input: string, state: State): State {
  const [f] = of.activations;
  const sum = biased(context, input, recurring(context, of, state.hidden));
  return { hidden: f === undefined ? sum : f(clipped(context, of.forward, sum)), memory: null };
}

/** Cho et al. 2014; gates in the order update, reset, candidate. */
function gatedCell(context: Lower, of: Direction, input: string, state: State): State {
  const { forward, hidden: size } = of;
  const [f, g] = of.activations;
  if (f === undefined || g === undefined) return state;
  const [inputZ = '', inputR = '', inputH = ''] = gatesOf(context, input, 3);
  const part = (value: string | null, axis: number, from: number, to: number): string | null =>
    value === null ? null : slice(context, value, { axis, start: from * size, end: to * size });
  const gates = (() => {
    const bias = part(of.bias, 0, 0, 2);
    const weights = part(of.recurrent, 1, 0, 2) ?? '';
    if (state.hidden === null) return bias;
    return biased(context, context.emit('MatMul', [state.hidden, weights]), bias);
  })();
  const rank = state.hidden === null ? 0 : 1;
  const z = f(clipped(context, forward, biased(context, inputZ, part(gates, rank, 0, 1))));
  const r = f(clipped(context, forward, biased(context, inputR, part(gates, rank, 1, 2))));
  const weights = part(of.recurrent, 1, 2, 3) ?? '';
  const bias = part(of.bias, 0, 2, 3);
  const first = integer(forward, 'linear_before_reset', 0) !== 0;
  const again = ((): string | null => {
    if (first) {
      const linear =
        state.hidden === null
          ? bias
          : biased(context, context.emit('MatMul', [state.hidden, weights]), bias);
      return linear === null ? null : mul(context, r, linear);
    }
    if (state.hidden === null) return bias;
    return biased(context, context.emit('MatMul', [mul(context, r, state.hidden), weights]), bias);
  })();
  const candidate = g(clipped(context, forward, biased(context, inputH, again)));
  const fresh = mul(context, sub(context, 1, z), candidate);
  const hidden = state.hidden === null ? fresh : add(context, fresh, mul(context, z, state.hidden));
  return { hidden, memory: null };
}

/** Hochreiter and Schmidhuber 1997; gates in the order input, output, forget, cell. */
function memoryCell(context: Lower, of: Direction, input: string, state: State): State {
  const { forward, hidden: size } = of;
  const [f, g, h] = of.activations;
  if (f === undefined || g === undefined || h === undefined) return state;
  const sum = biased(context, input, recurring(context, of, state.hidden));
  const [sumI = '', sumO = '', sumF = '', sumC = ''] = gatesOf(context, sum, 4);
  const seen = (gate: string, memory: string | null, at: number): string => {
    if (of.peepholes === null || memory === null) return gate;
    const span = { axis: 0, start: at * size, end: (at + 1) * size };
    return add(context, gate, mul(context, memory, slice(context, of.peepholes, span)));
  };
  const i = f(clipped(context, forward, seen(sumI, state.memory, 0)));
  const coupled = integer(forward, 'input_forget', 0) !== 0;
  const forget = coupled
    ? sub(context, 1, i)
    : f(clipped(context, forward, seen(sumF, state.memory, 2)));
  const fresh = mul(context, i, g(clipped(context, forward, sumC)));
  const memory =
    state.memory === null ? fresh : add(context, mul(context, forget, state.memory), fresh);
  const o = f(clipped(context, forward, seen(sumO, memory, 1)));
  return { hidden: mul(context, o, h(memory)), memory };
}

function clipped(context: Lower, forward: OnnxNode, value: string): string {
  const bound = number(forward, 'clip', 0);
  if (bound <= 0) return value;
  return context.emit('Clip', [value, context.floats([], [-bound]), context.floats([], [bound])]);
}

const alphas: Readonly<Record<string, number>> = {
  LeakyRelu: 0.01,
  ThresholdedRelu: 1,
  HardSigmoid: 0.2,
  Elu: 1,
  Affine: 1,
  ScaledTanh: 1,
};

/** The activation of an index, with its own numbers where it takes some. */
function activation(
  context: Lower,
  forward: OnnxNode,
  of: { readonly kind: Kind; readonly at: number },
): (value: string) => string {
  const raw = forward.attributes.activations;
  const names = raw?.kind === 'raw' ? textsOf(raw.value) : of.kind.activations;
  const name = names[of.at % names.length] ?? '';
  // Numbers are listed only for the activations that take some, in their order.
  const before = names.slice(0, of.at % names.length);
  const nth = (attribute: string, takes: (name: string) => boolean, otherwise: number): number => {
    const own = forward.attributes[attribute];
    const index = before.filter(takes).length;
    return own?.kind === 'floats' ? (own.value[index] ?? otherwise) : otherwise;
  };
  const takesBeta = (each: string): boolean => /^(HardSigmoid|Affine|ScaledTanh)$/.test(each);
  const alpha = nth('activation_alpha', (each) => each in alphas, alphas[name] ?? 0);
  const beta = nth('activation_beta', takesBeta, name === 'HardSigmoid' ? 0.5 : 0);
  switch (name) {
    case 'Tanh':
    case 'Sigmoid':
    case 'Relu':
    case 'Softsign':
    case 'Softplus':
      return (value) => context.emit(name, [value]);
    case 'LeakyRelu':
    case 'ThresholdedRelu':
    case 'Elu':
      return (value) => context.emit(name, [value], { alpha: float(alpha) });
    case 'HardSigmoid':
      return (value) => context.emit(name, [value], { alpha: float(alpha), beta: float(beta) });
    case 'Affine':
      return (value) => add(context, mul(context, value, alpha), beta);
    case 'ScaledTanh':
      return (value) => mul(context, context.emit('Tanh', [mul(context, value, beta)]), alpha);
    default:
      throw unsupported(forward.operator, forward.name, `its activation "${name}" is not known`);
  }
}

/** The strings of an attribute as it came (AttributeProto, field 9). */
function textsOf(bytes: Uint8Array): string[] {
  return [...wireFields(bytes)].flatMap((field) => (field.number === 9 ? [wireText(field)] : []));
}
