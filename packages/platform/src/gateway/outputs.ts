/** What a served model tells of itself, and its answers as tensors of the protocol. */
import type { LoadedModel } from '../confine/tasks/serve.ts';
import type { Answer } from '../serve/ask.ts';
import type { OutputTensor } from './wire.ts';

/** Platform, inputs and outputs of a model's metadata. */
export function describe({ input, scores }: LoadedModel): object {
  const outputs = [{ name: 'label', datatype: 'INT64', shape: [-1] }];
  if (scores !== null) outputs.push({ name: scores, datatype: 'FP32', shape: [-1, -1] });
  return {
    platform: 'onnxruntime_onnx',
    inputs: [{ name: input.name, datatype: 'FP32', shape: [-1, ...input.rowShape] }],
    outputs,
  };
}

/** The label of each row, and the scores where the model gives any. */
export function outputsOf(model: LoadedModel, rows: number, answer: Answer): OutputTensor[] {
  const label = { name: 'label', datatype: 'INT64', shape: [rows], data: answer.labels } as const;
  if (model.scores === null) return [label];
  const shape = [rows, answer.classes];
  return [label, { name: model.scores, datatype: 'FP32', shape, data: answer.scores }];
}
