/** Repairs a file: what is to be written comes back as parts of the old file and bytes between. */
import { type ByteSource, readAll } from '@merlon/core';
import { externalParts, readOnnx, stripped, withExternalData, writeOnnx } from '@merlon/graph';
import {
  FixError,
  identify,
  type Piece,
  plainArchive,
  policyOf,
  type Repair,
  weightsAsSafetensors,
} from '@merlon/scan';
import type { TaskContext } from '../task.ts';

/** Which repair is asked for. */
export interface FixInput {
  readonly path: string;
  /** Weights as safetensors, whatever they are in. */
  readonly weights: boolean;
}

/** What is to be written. */
export interface FixOutput {
  readonly changes: readonly string[];
  readonly pieces: readonly Piece[];
}

/** A message of protocol buffers is never longer. */
const onnxBytesMax = 2 ** 31 - 1;
/** Bytes that are made anew; all others stay where they are. */
const madeBytesMax = 2 ** 31 - 1;

/** What weights are taken from. */
const weightFormats = new Set(['pickle', 'torch-legacy', 'zip']);

/** The repair of the source `file`. */
export async function fixTask(input: FixInput, context: TaskContext): Promise<FixOutput> {
  const source = context.source('file');
  const { changes, pieces } = await repairOf(source, input, context);
  const kept: Piece[] = [];
  let made = 0;
  for await (const piece of pieces) {
    made += piece instanceof Uint8Array ? piece.length : 0;
    if (made > madeBytesMax) {
      throw new FixError('unsupported', 'more than 2 GiB of the file would have to be turned', {
        hint: 'save its tensors contiguous, then repair it',
      });
    }
    kept.push(piece);
  }
  return { changes, pieces: kept };
}

async function repairOf(
  source: ByteSource,
  { path, weights }: FixInput,
  context: TaskContext,
): Promise<Repair> {
  const formats = await identify(source, path, policyOf('ml'));
  if (weights && formats.some((format) => weightFormats.has(format))) {
    return weightsAsSafetensors(source);
  }
  if (weights) {
    const got = formats.join(' and ') || 'something else';
    throw new FixError('unsupported', `expected weights of PyTorch or NumPy, got ${got}`, {
      hint: 'leave out the ending .safetensors to repair other files',
    });
  }
  if (formats.includes('onnx')) return repairedOnnx(source, context);
  if (formats.includes('zip')) return plainArchive(source);
  if (formats.includes('pickle') || formats.includes('torch-legacy')) {
    throw new FixError('unsupported', 'a pickle is repaired into safetensors only', {
      hint: 'name the output so that it ends in .safetensors',
    });
  }
  throw new FixError('unsupported', `there is no repair for ${formats.join(' and ') || 'this'}`, {
    hint: 'weights of PyTorch and NumPy, ZIP archives and ONNX can be repaired',
  });
}

/** Tensors that are kept beside the model come into it; documents and properties go. */
async function repairedOnnx(source: ByteSource, context: TaskContext): Promise<Repair> {
  const read = readOnnx(await readAll(source, onnxBytesMax));
  const parts = externalParts(read);
  const model = await withExternalData(read, ({ location, offset, length }) => {
    const beside = context.source(`beside:${location}`);
    return beside.read(offset, length ?? beside.size - offset);
  });
  const plain = stripped(model);
  const changes = [
    ...(parts.length > 0 ? [`${parts.length} tensors kept beside the model brought into it`] : []),
    `${plain.removed} documents and properties taken out`,
  ];
  const bytes = writeOnnx(plain.model);
  return {
    changes,
    pieces: (async function* () {
      yield bytes;
    })(),
  };
}

/** Files beside the source `file` that an ONNX model needs; none for other files. */
export async function besideTask(
  { path }: { readonly path: string },
  context: TaskContext,
): Promise<readonly string[]> {
  const source = context.source('file');
  const formats = await identify(source, path, policyOf('ml'));
  if (!formats.includes('onnx')) return [];
  const parts = externalParts(readOnnx(await readAll(source, onnxBytesMax)));
  return [...new Set(parts.map(({ location }) => location))];
}
