/** Shapes by observation: the model runs once with every intermediate value as an output. */
import { GraphError, invalidModel } from '../error.ts';
import { elementTypes, type OnnxModel } from '../onnx/model.ts';
import { writeOnnx } from '../onnx/write.ts';
import { openSession } from '../runtime.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import type { Shape } from './builder.ts';

/** Inputs that a gradient model adds, such as labels, are whole numbers; zeros will do. */
const addedPrefix = 'merlon_';

/** Rows of the observation: not one, so that a batch is never taken for a stretched axis. */
export const observedRows = 2;

/**
 * Shape of every value, with `observedRows` rows where the model leaves their number open; throws
 * when the model cannot be run so.
 */
export async function observeShapes(model: OnnxModel): Promise<ReadonlyMap<string, Shape>> {
  const { graph } = model;
  const own = new Set(graph.outputs.map((output) => output.name));
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  const untyped = names
    .filter((name) => !own.has(name))
    .map((name) => ({ name, elementType: 0, shape: null, rawType: new Uint8Array(0) }));
  const all = { ...model, graph: { ...graph, outputs: [...graph.outputs, ...untyped] } };
  const session = await openSession(writeOnnx(all));
  try {
    const feeds: Record<string, Tensor> = {};
    for (const input of modelInputs(model)) {
      const shape = (input.shape ?? []).map((axis, i) => {
        if (typeof axis === 'number' && axis > 0) return axis;
        if (i === 0) return observedRows;
        throw new GraphError('shape-mismatch', `input "${input.name}" leaves axis ${i} open`, {
          hint: 'export the model with fixed sizes but for the batch',
        });
      });
      if (input.elementType === elementTypes.int64 && input.name.startsWith(addedPrefix)) {
        feeds[input.name] = { type: 'int64', shape, data: new BigInt64Array(elementCount(shape)) };
        continue;
      }
      if (input.elementType !== elementTypes.float32 || shape.length === 0) {
        const why = 'expected float32 with the rows as first axis';
        throw new GraphError('shape-mismatch', `input "${input.name}" ${why}`);
      }
      const data = new Float32Array(elementCount(shape)).map((_, i) => ((i * 37) % 97) / 97);
      feeds[input.name] = { type: 'float32', shape, data };
    }
    const values = await session.run(feeds);
    const shapes = new Map<string, Shape>();
    for (const [name, tensor] of Object.entries({ ...feeds, ...values })) {
      shapes.set(name, tensor.shape);
    }
    for (const tensor of graph.initializers) shapes.set(tensor.name, tensor.shape);
    return shapes;
  } finally {
    await session.close();
  }
}

/** Inputs that are not constants with a default. */
export function modelInputs({ graph }: OnnxModel): OnnxModel['graph']['inputs'] {
  const constants = new Set(graph.initializers.map((tensor) => tensor.name));
  const inputs = graph.inputs.filter((input) => !constants.has(input.name));
  if (inputs.length === 0) throw invalidModel('it has no inputs');
  return inputs;
}
