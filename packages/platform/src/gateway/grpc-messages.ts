/**
 * Messages of `inference.GRPCInferenceService` (Open Inference Protocol, open_inference_grpc.proto,
 * with the fields that Triton added), as far as this server speaks them.
 */
import { fromJSON } from '@grpc/proto-loader';

/** A parameter: which of the kinds it is, and its value under that name. */
export interface ParameterMessage {
  readonly parameter_choice?: string;
  readonly [kind: string]: unknown;
}

/** Elements by their type; integers of 64 bits as texts, which lose no digit. */
export interface ContentsMessage {
  readonly bool_contents?: readonly boolean[];
  readonly int_contents?: readonly number[];
  readonly int64_contents?: readonly string[];
  readonly uint_contents?: readonly number[];
  readonly uint64_contents?: readonly string[];
  readonly fp32_contents?: readonly number[];
  readonly fp64_contents?: readonly number[];
  readonly bytes_contents?: readonly Uint8Array[];
}

/** Parameters by name. */
export type ParametersMessage = Readonly<Record<string, ParameterMessage>>;

/** A tensor of a request. */
export interface InputMessage {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly string[];
  readonly parameters: ParametersMessage;
  readonly contents: ContentsMessage | null;
}

/** A request for a model's answer. */
export interface InferMessage {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: ParametersMessage;
  readonly inputs: readonly InputMessage[];
  readonly outputs: readonly { readonly name: string; readonly parameters: ParametersMessage }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

type Fields = Readonly<Record<string, string>>;

/** Fields in the order of their numbers; `[]` behind a type repeats it, `{}` maps texts to it. */
function message(fields: Fields, nested: Readonly<Record<string, object>> = {}) {
  const numbered = Object.entries(fields).map(([name, written], i) => {
    const type = written.replace(/\[\]|\{\}/, '');
    const rule = written.endsWith('[]') ? { rule: 'repeated' } : {};
    const keyType = written.endsWith('{}') ? { keyType: 'string' } : {};
    return [name, { type, id: i + 1, ...rule, ...keyType }];
  });
  return { fields: Object.fromEntries(numbered), nested };
}

const tensor = message({
  ...{ name: 'string', datatype: 'string', shape: 'int64[]' },
  ...{ parameters: 'InferParameter{}', contents: 'InferTensorContents' },
});
const kinds = {
  ...{ bool_param: 'bool', int64_param: 'int64', string_param: 'string' },
  ...{ double_param: 'double', uint64_param: 'uint64' },
};

const messages = {
  ServerLiveRequest: message({}),
  ServerLiveResponse: message({ live: 'bool' }),
  ServerReadyRequest: message({}),
  ServerReadyResponse: message({ ready: 'bool' }),
  ModelReadyRequest: message({ name: 'string', version: 'string' }),
  ModelReadyResponse: message({ ready: 'bool' }),
  ServerMetadataRequest: message({}),
  ServerMetadataResponse: message({ name: 'string', version: 'string', extensions: 'string[]' }),
  ModelMetadataRequest: message({ name: 'string', version: 'string' }),
  ModelMetadataResponse: message(
    {
      ...{ name: 'string', versions: 'string[]', platform: 'string' },
      ...{ inputs: 'TensorMetadata[]', outputs: 'TensorMetadata[]' },
    },
    { TensorMetadata: message({ name: 'string', datatype: 'string', shape: 'int64[]' }) },
  ),
  InferParameter: {
    ...message(kinds),
    oneofs: { parameter_choice: { oneof: Object.keys(kinds) } },
  },
  InferTensorContents: message({
    ...{ bool_contents: 'bool[]', int_contents: 'int32[]', int64_contents: 'int64[]' },
    ...{ uint_contents: 'uint32[]', uint64_contents: 'uint64[]', fp32_contents: 'float[]' },
    ...{ fp64_contents: 'double[]', bytes_contents: 'bytes[]' },
  }),
  ModelInferRequest: message(
    {
      ...{ model_name: 'string', model_version: 'string', id: 'string' },
      ...{ parameters: 'InferParameter{}', inputs: 'InferInputTensor[]' },
      ...{ outputs: 'InferRequestedOutputTensor[]', raw_input_contents: 'bytes[]' },
    },
    {
      InferInputTensor: tensor,
      InferRequestedOutputTensor: message({ name: 'string', parameters: 'InferParameter{}' }),
    },
  ),
  ModelInferResponse: message(
    {
      ...{ model_name: 'string', model_version: 'string', id: 'string' },
      ...{ parameters: 'InferParameter{}', outputs: 'InferOutputTensor[]' },
      raw_output_contents: 'bytes[]',
    },
    { InferOutputTensor: tensor },
  ),
  RepositoryIndexRequest: message({ repository_name: 'string', ready: 'bool' }),
  RepositoryIndexResponse: message(
    { models: 'ModelIndex[]' },
    {
      ModelIndex: message({
        ...{ name: 'string', version: 'string', state: 'string', reason: 'string' },
      }),
    },
  ),
};

/** What can be called. */
export const methodNames = [
  ...(['ServerLive', 'ServerReady', 'ModelReady', 'ServerMetadata'] as const),
  ...(['ModelMetadata', 'ModelInfer', 'RepositoryIndex'] as const),
] as const;

/** One of them. */
export type MethodName = (typeof methodNames)[number];

const methods = Object.fromEntries(
  methodNames.map((name) => [
    name,
    { requestType: `${name}Request`, responseType: `${name}Response` },
  ]),
);

/** The service as gRPC servers and clients take it. */
export function inferenceService() {
  const nested = { inference: { nested: { ...messages, GRPCInferenceService: { methods } } } };
  const definition = fromJSON(
    { nested: nested as never },
    { keepCase: true, longs: String, defaults: true, oneofs: true, arrays: true, objects: true },
  )['inference.GRPCInferenceService'];
  if (definition === undefined || 'format' in definition) throw new TypeError('no service');
  return definition;
}
