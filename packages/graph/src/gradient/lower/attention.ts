/**
 * Attention as matrix products and softmax (operator Attention of opset 23 and 24, and those of
 * the runtime's domain); Vaswani et al. 2017, section 3.2.
 */
import { unsupported } from '../../error.ts';
import { elementTypes, int, type OnnxNode } from '../../onnx/model.ts';
import {
  add,
  div,
  has,
  integer,
  integers,
  mul,
  number,
  reshape,
  type Size,
  scalar,
  sizeOf,
  slice,
  sub,
  transpose,
  where,
} from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const attentionLowerings: Readonly<Record<string, Lowering>> = {
  Attention: standard,
  RotaryEmbedding: rotary,
};

/** Lowerings by operator of the runtime's domain. */
export const runtimeAttentionLowerings: Readonly<Record<string, Lowering>> = {
  Attention: packed,
  MultiHeadAttention: multiHead,
};

/** Queries, keys and values by head: [rows, heads, places, width]. */
interface Heads {
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

interface Scoring {
  readonly scale: number;
  /** Added to the products, or null. */
  readonly bias: string | null;
  /** True where a product counts, or null. */
  readonly mask: string | null;
  /** What products that do not count become. */
  readonly masked: number;
  readonly softcap: number;
}

/** The shares and their mean of the values. */
function attend(context: Lower, heads: Heads, of: Scoring): { out: string; products: string } {
  const turned = transpose(context, heads.key, [0, 1, 3, 2]);
  const query = mul(context, heads.query, of.scale);
  let products = context.emit('MatMul', [query, turned]);
  if (of.softcap !== 0) {
    const share = context.emit('Tanh', [div(context, products, of.softcap)]);
    products = mul(context, share, of.softcap);
  }
  if (of.bias !== null) products = add(context, products, of.bias);
  if (of.mask !== null) products = where(context, of.mask, products, of.masked);
  const shares = context.emit('Softmax', [products], { axis: int(-1) });
  return { out: context.emit('MatMul', [shares, heads.value]), products };
}

/** [rows, places, heads · width] as [rows, heads, places, width]. */
function split(
  context: Lower,
  value: string,
  of: {
    readonly rows: Size;
    readonly places: Size;
    readonly heads: number;
    readonly width: number;
  },
): string {
  const apart = reshape(context, value, [of.rows, of.places, of.heads, of.width]);
  return transpose(context, apart, [0, 2, 1, 3]);
}

function merged(
  context: Lower,
  value: string,
  of: { readonly rows: Size; readonly places: Size; readonly width: number },
): string {
  return reshape(context, transpose(context, value, [0, 2, 1, 3]), [of.rows, of.places, of.width]);
}

/** Places up to one's own; with `past` places before the first. */
function causal(context: Lower, places: number, keys: number, past: number): string {
  const values = new Float32Array(places * keys);
  for (let row = 0; row < places; row++) {
    for (let column = 0; column <= Math.min(keys - 1, row + past); column++) {
      values[row * keys + column] = 1;
    }
  }
  return context.emit('Greater', [context.floats([places, keys], values), scalar(context, 0)]);
}

function both(context: Lower, a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return context.emit('And', [a, b]);
}

const lowest = -3.4028234663852886e38;

function standard(context: Lower, forward: OnnxNode): void {
  const [query = '', key = '', value = '', mask = '', pastKey = '', pastValue = ''] =
    forward.inputs;
  if (has(forward, 6)) throw unsupported('Attention', forward.name, 'its rows have own lengths');
  if (integer(forward, 'qk_matmul_output_mode', 0) !== 0 && (forward.outputs[3] ?? '') !== '') {
    throw unsupported('Attention', forward.name, 'its products are an output');
  }
  const flat = context.shape(query).length === 3;
  const queryHeads = flat ? integer(forward, 'q_num_heads', 1) : (context.shape(query)[1] ?? 1);
  const keyHeads = flat ? integer(forward, 'kv_num_heads', 1) : (context.shape(key)[1] ?? 1);
  const headed = (name: string, count: number): string => {
    if (!flat) return name;
    const [, , whole = 1] = context.shape(name);
    const [rows, places] = [sizeOf(context, name, 0), sizeOf(context, name, 1)];
    return split(context, name, { rows, places, heads: count, width: whole / count });
  };
  const longer = (past: string, own: string): string =>
    past === '' ? own : context.emit('Concat', [past, own], { axis: int(2) });
  const keys = longer(pastKey, headed(key, keyHeads));
  const values = longer(pastValue, headed(value, keyHeads));
  const past = pastKey === '' ? 0 : (context.shape(pastKey)[2] ?? 0);
  const places = context.shape(query)[flat ? 1 : 2] ?? 1;
  const total = past + (context.shape(key)[flat ? 1 : 2] ?? 1);
  const width = (context.shape(query).at(-1) ?? 1) / (flat ? queryHeads : 1);
  const isMask = mask !== '' && context.type(mask) === elementTypes.bool;
  const order =
    integer(forward, 'is_causal', 0) === 1 ? causal(context, places, total, past) : null;
  const shape = { keyHeads, group: queryHeads / keyHeads };
  const heads = {
    query: headed(query, queryHeads),
    key: repeated(context, keys, { ...shape, of: key, total, flat }),
    value: repeated(context, values, { ...shape, of: value, total, flat }),
  };
  const { out, products } = attend(context, heads, {
    scale: number(forward, 'scale', 1 / Math.sqrt(width)),
    bias: mask !== '' && !isMask ? mask : null,
    mask: both(context, isMask ? mask : null, order),
    masked: lowest,
    softcap: number(forward, 'softcap', 0),
  });
  const valueWidth = (context.shape(value).at(-1) ?? 1) / (flat ? keyHeads : 1);
  const rows = sizeOf(context, query, 0);
  const to = { rows, places: sizeOf(context, query, 1), width: queryHeads * valueWidth };
  context.output(forward, 0, flat ? merged(context, out, to) : out);
  context.output(forward, 1, keys);
  context.output(forward, 2, values);
  context.output(forward, 3, products);
}

/** Heads that several queries share stand once for each of them. */
function repeated(
  context: Lower,
  name: string,
  of: {
    readonly of: string;
    readonly keyHeads: number;
    readonly group: number;
    readonly total: number;
    readonly flat: boolean;
  },
): string {
  const { keyHeads, group, total } = of;
  if (group === 1) return name;
  const rows = sizeOf(context, of.of, 0);
  const width = (context.shape(of.of).at(-1) ?? 1) / (of.flat ? keyHeads : 1);
  const stood = reshape(context, name, [rows, keyHeads, 1, total, width]);
  const copies = context.emit(
    'Concat',
    Array.from({ length: group }, () => stood),
    {
      axis: int(2),
    },
  );
  return reshape(context, copies, [rows, keyHeads * group, total, width]);
}

/** Masks and biases that the operators of the runtime share. */
function scoringOf(
  context: Lower,
  forward: OnnxNode,
  of: {
    readonly width: number;
    readonly places: number;
    readonly bias: string;
    readonly mask: string;
  },
): Scoring {
  const masked = number(forward, 'mask_filter_value', -10000);
  const order =
    integer(forward, 'unidirectional', 0) === 1 ? causal(context, of.places, of.places, 0) : null;
  return {
    scale: number(forward, 'scale', 0) || 1 / Math.sqrt(of.width),
    bias: addends(context, forward, { ...of, masked }),
    mask: order,
    masked: lowest,
    softcap: 0,
  };
}

/** A bias, and what a mask of whole numbers adds where it is 0. */
function addends(
  context: Lower,
  forward: OnnxNode,
  of: { readonly bias: string; readonly mask: string; readonly masked: number },
): string | null {
  if (of.mask === '') return of.bias === '' ? null : of.bias;
  const shape = context.shape(of.mask);
  if (shape.length !== 2 && shape.length !== 3) {
    throw unsupported(forward.operator, forward.name, 'its mask lists lengths');
  }
  const float = context.emit('Cast', [of.mask], { to: int(elementTypes.float32) });
  const closed = mul(context, sub(context, 1, float), of.masked);
  const axes = shape.length === 2 ? [1, 2] : [1];
  const stood = context.emit('Unsqueeze', [closed, context.ints(axes)]);
  return of.bias === '' ? stood : add(context, of.bias, stood);
}

/** Queries, keys and values of one product with packed weights. */
function packed(context: Lower, forward: OnnxNode): void {
  const [x = '', weights = '', bias = '', mask = '', past = '', attentionBias = ''] =
    forward.inputs;
  if (past !== '') throw unsupported('Attention', forward.name, 'it has a past');
  const heads = integer(forward, 'num_heads', 1);
  const whole = context.shape(weights)[1] ?? 3;
  const third = whole / 3;
  const [q = third, k = third, v = third] = integers(forward, 'qkv_hidden_sizes') ?? [];
  const product = context.emit('MatMul', [x, weights]);
  const sum = bias === '' ? product : add(context, product, bias);
  const [rows, places] = [sizeOf(context, x, 0), sizeOf(context, x, 1)];
  const part = (start: number, width: number): string => {
    const own = slice(context, sum, { axis: 2, start, end: start + width });
    return split(context, own, { rows, places, heads, width: width / heads });
  };
  const count = context.shape(x)[1] ?? 1;
  const scoring = scoringOf(context, forward, {
    width: q / heads,
    places: count,
    bias: attentionBias,
    mask,
  });
  const all = { query: part(0, q), key: part(q, k), value: part(q + k, v) };
  const { out } = attend(context, all, scoring);
  context.output(forward, 0, merged(context, out, { rows, places, width: v }));
}

/** Queries, keys and values apart; keys and values may come by heads already. */
function multiHead(context: Lower, forward: OnnxNode): void {
  const [query = '', key = '', value = '', bias = '', mask = '', attentionBias = ''] =
    forward.inputs;
  if (has(forward, 6) || key === '' || value === '' || context.shape(query).length !== 3) {
    throw unsupported('MultiHeadAttention', forward.name, 'its inputs are packed or have a past');
  }
  const heads = integer(forward, 'num_heads', 1);
  const width = context.shape(query)[2] ?? 1;
  let start = 0;
  const headed = (name: string): string => {
    const shape = context.shape(name);
    if (shape.length === 4) return name;
    const own = shape[2] ?? 1;
    const end = start + own;
    const shifted =
      bias === '' ? name : add(context, name, slice(context, bias, { axis: 0, start, end }));
    start = end;
    const [rows, places] = [sizeOf(context, name, 0), sizeOf(context, name, 1)];
    return split(context, shifted, { rows, places, heads, width: own / heads });
  };
  const all = { query: headed(query), key: headed(key), value: headed(value) };
  const places = context.shape(query)[1] ?? 1;
  const scoring = scoringOf(context, forward, {
    width: width / heads,
    places,
    bias: attentionBias,
    mask,
  });
  const { out } = attend(context, all, scoring);
  const shape = context.shape(value);
  const valueWidth = shape.length === 4 ? (shape[3] ?? 1) * heads : (shape[2] ?? 1);
  const [rows, count] = [sizeOf(context, query, 0), sizeOf(context, query, 1)];
  context.output(forward, 0, merged(context, out, { rows, places: count, width: valueWidth }));
  context.output(forward, 1, all.key);
  context.output(forward, 2, all.value);
}

/** Su et al. 2021: pairs of elements turn by an angle of their place. */
function rotary(context: Lower, forward: OnnxNode): void {
  const [x = '', cosines = '', sines = '', positions = ''] = forward.inputs;
  const shape = context.shape(x);
  const flat = shape.length === 3;
  const heads = flat ? integer(forward, 'num_heads', 1) : (shape[1] ?? 1);
  const width = (shape.at(-1) ?? 1) / (flat ? heads : 1);
  const places = sizeOf(context, x, flat ? 1 : 2);
  const rows = sizeOf(context, x, 0);
  const own = flat ? split(context, x, { rows, places, heads, width }) : x;
  const turned = integer(forward, 'rotary_embedding_dim', 0) || width;
  const half = turned / 2;
  const table = (name: string): string => {
    const taken = positions === '' ? name : context.emit('Gather', [name, positions]);
    const cut = slice(context, taken, { axis: 2, start: 0, end: half });
    return context.emit('Unsqueeze', [cut, context.ints([1])]);
  };
  const [cos, sin] = [table(cosines), table(sines)];
  const interleaved = integer(forward, 'interleaved', 0) === 1;
  const part = (index: number): string => {
    const span = { start: index * half, end: (index + 1) * half };
    if (!interleaved) return slice(context, own, { axis: 3, ...span });
    const bounds = [[index], [turned], [3], [2]].map((list) => context.ints(list));
    return context.emit('Slice', [own, ...bounds]);
  };
  const [a, b] = [part(0), part(1)];
  const real = sub(context, mul(context, cos, a), mul(context, sin, b));
  const imaginary = add(context, mul(context, sin, a), mul(context, cos, b));
  const joined = interleaved
    ? reshape(
        context,
        context.emit(
          'Concat',
          [real, imaginary].map((each) => context.emit('Unsqueeze', [each, context.ints([-1])])),
          { axis: int(-1) },
        ),
        [rows, heads, places, turned],
      )
    : context.emit('Concat', [real, imaginary], { axis: int(-1) });
  const rest = slice(context, own, { axis: 3, start: turned, end: width });
  const whole =
    turned === width ? joined : context.emit('Concat', [joined, rest], { axis: int(-1) });
  const width3 = heads * width;
  context.output(
    forward,
    0,
    flat ? merged(context, whole, { rows, places, width: width3 }) : whole,
  );
}
