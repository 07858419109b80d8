/**
 * Runs models with ONNX Runtime. The only file that knows it; it is loaded at the first session,
 * so that importing this package costs nothing. A run blocks its thread: use worker processes.
 */
import { messageOf } from '@merlon/core';
import type { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { GraphError, invalidModel } from './error.ts';
import { isQuiet } from './load.ts';
import type { OpenSession, Session, SessionOptions, ValueInfo } from './session.ts';
import {
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
  tensorTypes,
} from './tensor.ts';

const quietSeverity = 4;

/** Microseconds that a thread spins at most before it sleeps. */
const spinMaxUs = '1000';

/** Opens a model; threads default to 1 and spin only within a run on a quiet machine. */
export const openSession: OpenSession = async (model, options = {}) => {
  const runtime = await import('onnxruntime-node');
  let native: InferenceSession;
  try {
    native = await runtime.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: options.optimize === false ? 'disabled' : 'all',
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      logSeverityLevel: quietSeverity,
      extra: { session: waiting(options) },
    });
  } catch (cause) {
    throw invalidModel(firstLine(cause), cause);
  }
  try {
    return wrap(native, runtime.Tensor);
  } catch (error) {
    await native.release();
    throw error;
  }
};

function waiting({ threads = 1, spin }: SessionOptions): Record<string, unknown> {
  if (threads === 1 || !(spin ?? isQuiet())) return { intra_op: { allow_spinning: '0' } };
  const intra_op = { allow_spinning: '1', spin_duration_us: spinMaxUs };
  return { intra_op, force_spinning_stop: '1' };
}

function wrap(native: InferenceSession, TensorClass: typeof RuntimeTensor): Session {
  const inputs = native.inputMetadata.map(valueInfo);
  const outputs = native.outputMetadata.map(valueInfo);
  const every = outputs.map((output) => output.name);
  return {
    inputs,
    outputs,
    run: async (feeds, fetches = every, into = {}) => {
      const given: Record<string, RuntimeTensor> = {};
      const wanted: Record<string, RuntimeTensor | null> = {};
      const toRuntime = ({ type, data, shape }: Tensor): RuntimeTensor =>
        new TensorClass(type, data as never, shape);
      try {
        for (const [name, tensor] of Object.entries(feeds)) given[name] = toRuntime(tensor);
        for (const name of fetches) {
          const place = into[name];
          wanted[name] = place === undefined ? null : toRuntime(place);
        }
        return fromRuntime(await native.run(given, wanted));
      } catch (cause) {
        throw new GraphError('runtime-failed', `the model cannot run: ${firstLine(cause)}`, {
          cause,
        });
      }
    },
    close: () => native.release(),
  };
}

function valueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) {
    throw new GraphError('invalid-model', `"${metadata.name}" expected a tensor`, {
      hint: 'sequences and maps are not served; export without ZipMap',
    });
  }
  if (!isTensorType(metadata.type)) {
    const got = `expected a type that sessions take, got ${metadata.type}`;
    throw new GraphError('invalid-model', `"${metadata.name}" ${got}`, {
      hint: 'export the model with float32 inputs and outputs',
    });
  }
  const shape = metadata.shape.map((axis) => (typeof axis === 'number' && axis >= 0 ? axis : -1));
  return { name: metadata.name, type: metadata.type, shape };
}

function isTensorType(type: string): type is TensorType {
  return (tensorTypes as readonly string[]).includes(type);
}

function fromRuntime(results: Readonly<Record<string, unknown>>): Tensors {
  const out: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(results)) {
    const { type, dims, data } = value as RuntimeTensor;
    out[name] = { type: type as TensorType, shape: [...dims], data: data as TensorData };
  }
  return out;
}

function firstLine(cause: unknown): string {
  return (messageOf(cause).split('\n')[0] ?? '').slice(0, 300);
}
