/** Weights of a pickle as safetensors, without running the pickle. */
import type { ByteSource } from '@merlon/core';
import { elementType } from './elements.ts';
import { FixError } from './error.ts';
import { namedTensors } from './names.ts';
import type { Repair } from './piece.ts';
import { writeSafetensors } from './safetensors.ts';
import { checkInside, type Weight } from './tensor.ts';
import { openWeights } from './torch.ts';

/** What was left out is listed up to here, then counted. */
const leftMax = 20;

/**
 * The tensors of a file that `torch.save` wrote, or of a pickle of NumPy arrays, equal byte for
 * byte to what loading would give. Throws `FixError`.
 */
export async function weightsAsSafetensors(source: ByteSource): Promise<Repair> {
  const opened = await openWeights(source);
  const { tensors, left } = namedTensors(opened.root);
  const weights: Weight[] = [];
  const names = new Set<string>();
  const users = new Map<unknown, number>();
  for (const [name, tensor] of tensors) {
    const type = elementType(tensor.type);
    if (type === null) {
      throw new FixError('unsupported', `"${name}" has elements of "${tensor.type}"`, {
        hint: 'safetensors has no such type; turn it into another before saving',
      });
    }
    if (names.has(name)) throw new FixError('refused', `"${name}" names two tensors`);
    names.add(name);
    const { storage, sizes, strides, offset } = tensor;
    const swapped = tensor.swapped !== opened.swapped;
    const numbers = await opened.numbers(storage);
    const weight = { name, type, sizes, strides, offset, swapped, storage: numbers };
    checkInside(weight);
    weights.push(weight);
    const key = typeof storage.key === 'string' ? storage.key : storage;
    users.set(key, (users.get(key) ?? 0) + 1);
  }
  if (weights.length === 0) {
    throw new FixError('refused', 'the file holds no tensors', {
      hint: 'give a state dictionary, a checkpoint or a dictionary of arrays',
    });
  }
  const shared = [...users.values()].filter((count) => count > 1).length;
  const changes = [
    `${weights.length} ${weights.length === 1 ? 'tensor' : 'tensors'} written as safetensors`,
    ...(shared > 0 ? [`${shared} shared by several tensors, written for each of them`] : []),
    ...left.slice(0, leftMax).map((what) => `left out ${what}`),
    ...(left.length > leftMax ? [`left out ${left.length - leftMax} more`] : []),
  ];
  return { changes, pieces: writeSafetensors(weights) };
}
