/** Gradients of sums of products over named axes. */
import { unsupported } from '../../error.ts';
import type { OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { string, sumTo, text } from '../emitter.ts';

/** Rules by operator. */
export const einsumRules: Readonly<Record<string, GradientRule>> = { Einsum: einsum };

/**
 * By a factor: the equation with that factor and the result changed over. A letter that only one
 * factor has stretches afterwards; one that a factor has twice is its diagonal.
 */
function einsum(context: Backward, forward: OnnxNode, gradient: string): void {
  const { factors, result } = lettersOf(context, forward);
  for (const [index, name] of forward.inputs.entries()) {
    if (!context.wants(name)) continue;
    const own = factors[index] ?? [];
    const others = forward.inputs.flatMap((other, i) => {
      return i === index ? [] : [{ name: other, letters: factors[i] ?? [] }];
    });
    const terms = [{ name: gradient, letters: result }, ...others];
    const target: string[] = [];
    for (const [axis, letter] of own.entries()) {
      if (!target.includes(letter)) target.push(letter);
      else {
        const fresh = freshLetter([...own, ...target, ...factors.flat(), ...result]);
        const size = context.shape(name)[axis] ?? 1;
        terms.push({ name: identity(context, size), letters: [letter, fresh] });
        target.push(fresh);
      }
    }
    const known = new Set(terms.flatMap((term) => term.letters));
    const computed = target.filter((letter) => known.has(letter));
    const left = terms.map((term) => term.letters.join('')).join(',');
    const equation = `${left}->${computed.join('')}`;
    const values = terms.map((term) => term.name);
    let out = context.emit('Einsum', values, { equation: string(equation) });
    const alone = target.flatMap((letter, axis) => (known.has(letter) ? [] : [axis]));
    if (alone.length > 0) out = context.emit('Unsqueeze', [out, context.ints(alone)]);
    out = fitted(context, out, { name, letters: target, factors, forward });
    if (alone.length > 0) out = context.emit('Expand', [out, context.emit('Shape', [name])]);
    context.give(name, out);
  }
}

/** Axes of one that the equation stretched are summed. */
function fitted(
  context: Backward,
  value: string,
  of: {
    readonly name: string;
    readonly letters: readonly string[];
    readonly factors: readonly (readonly string[])[];
    readonly forward: OnnxNode;
  },
): string {
  const { name, letters, factors, forward } = of;
  const shape = context.shape(name);
  const whole = letters.map((letter, axis) => {
    const sizes = factors.flatMap((own, i) => {
      const input = context.shape(forward.inputs[i] ?? '');
      return own.flatMap((each, at) => (each === letter ? [input[at] ?? 1] : []));
    });
    return Math.max(shape[axis] ?? 1, ...sizes);
  });
  return sumTo(context, value, whole, shape);
}

function identity(context: Backward, size: number): string {
  const values = new Float32Array(size * size);
  for (let i = 0; i < size; i++) values[i * size + i] = 1;
  return context.floats([size, size], values);
}

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function freshLetter(taken: readonly string[]): string {
  return [...alphabet].find((letter) => !taken.includes(letter)) ?? 'a';
}

/** The letters of every axis, with those that dots stand for written out. */
function lettersOf(
  context: Backward,
  forward: OnnxNode,
): { readonly factors: readonly string[][]; readonly result: readonly string[] } {
  const equation = text(forward, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const parts = left.split(',');
  const used = new Set([...equation].filter((letter) => alphabet.includes(letter)));
  const free = [...alphabet].filter((letter) => !used.has(letter));
  const dots = forward.inputs.map((name, i) => {
    const rank = context.shape(name).length;
    return (parts[i] ?? '').includes('...') ? rank - ((parts[i] ?? '').length - 3) : 0;
  });
  const most = Math.max(0, ...dots);
  if (most > free.length) throw unsupported('Einsum', forward.name, 'it has too many axes');
  const hidden = free.slice(0, most);
  const factors = parts.map((part, i) => {
    return [...part.replace('...', hidden.slice(most - (dots[i] ?? 0)).join(''))];
  });
  if (right !== undefined) {
    return { factors, result: [...right.replace('...', hidden.join(''))] };
  }
  // Without a right side: letters that come once, in their order, behind the dots.
  const once = [...used].sort().filter((letter) => left.split(letter).length === 2);
  return { factors, result: [...hidden, ...once] };
}
