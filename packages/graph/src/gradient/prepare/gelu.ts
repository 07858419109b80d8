/**
 * GELU as exporters write it, y = x (1 + erf(x / √2)) / 2, becomes one node `Gelu` with two more
 * outputs: u = x / √2 and Φ(x), which its gradient needs. Before the graph runs it is written out
 * again.
 */
import { floatsIn, node, type OnnxNode } from '../../onnx/model.ts';
import type { Draft } from './draft.ts';

/** Puts the five nodes around an error function together, where they are a GELU. */
export function gatherGelu(draft: Draft, erf: OnnxNode): void {
  const [u] = erf.inputs;
  const [e] = erf.outputs;
  const x = halved(draft, u);
  const plus = draft.onlyReader(e, 'Add');
  if (x === null || u === undefined || plus === null || !hasScalar(draft, plus, 1)) return;
  const [both] = plus.outputs;
  const product = draft.onlyReader(both, 'Mul');
  const other = product?.inputs.find((input) => input !== both);
  if (product === null || other === undefined) return;
  const found = wholeGelu(draft, { product, other, x });
  if (found === null) return;
  const share = draft.like('share', x);
  const half = draft.like('half', x);
  for (const old of [plus, ...found.gone]) draft.replace(old, []);
  draft.replace(erf, []);
  draft.replace(found.last, [node('Gelu', [x], [found.last.outputs[0] ?? '', half, share])]);
}

/** The value of which one is the √2-th part; null when it is none. */
function halved(draft: Draft, u: string | undefined): string | null {
  const quotient = draft.writer(u, 'Div');
  if (quotient !== null) {
    return isNear(draft, quotient.inputs[1], Math.SQRT2) ? (quotient.inputs[0] ?? null) : null;
  }
  const product = draft.writer(u, 'Mul');
  if (product === null || !hasScalar(draft, product, Math.SQRT1_2)) return null;
  return product.inputs.find((input) => draft.fixed(input) === undefined) ?? null;
}

interface Product {
  readonly product: OnnxNode;
  /** What 1 + erf is multiplied by. */
  readonly other: string;
  readonly x: string;
}

/** The last node of x (1 + e) · ½, x ½ · (1 + e) or x · (½ (1 + e)), and the others. */
function wholeGelu(
  draft: Draft,
  { product, other, x }: Product,
): { readonly last: OnnxNode; readonly gone: readonly OnnxNode[] } | null {
  const [y] = product.outputs;
  if (other === x) {
    const last = draft.onlyReader(y, 'Mul');
    return last !== null && hasScalar(draft, last, 0.5) ? { last, gone: [product] } : null;
  }
  const scaled = draft.onlyUse(other, 'Mul');
  if (scaled?.inputs.includes(x) && hasScalar(draft, scaled, 0.5)) {
    return { last: product, gone: [scaled] };
  }
  if (!isNear(draft, other, 0.5)) return null;
  const last = draft.onlyReader(y, 'Mul');
  return last?.inputs.includes(x) ? { last, gone: [product] } : null;
}

function hasScalar(draft: Draft, { inputs }: OnnxNode, value: number): boolean {
  return inputs.some((input) => isNear(draft, input, value));
}

function isNear(draft: Draft, name: string | undefined, value: number): boolean {
  const tensor = draft.fixed(name);
  if (tensor?.elementType !== 1 || tensor.data.length !== 4) return false;
  return Math.abs((floatsIn(tensor)[0] ?? 0) - value) < 1e-6;
}
