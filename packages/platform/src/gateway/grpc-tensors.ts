/** Tensors of gRPC messages: raw bytes beside the tensors, or typed elements within them. */
import type { TensorData } from '@merlon/graph';
import type { Datatype, WireTensor } from './datatypes.ts';
import { badTensor, elementsOfBytes, elementsOfList, type Place, textOfBytes } from './elements.ts';
import type { Inferred } from './front.ts';
import type { ContentsMessage, InferMessage, ParametersMessage } from './grpc-messages.ts';
import { type GivenRequest, type GivenTensor, requireOffered } from './request.ts';
import { bytesOf } from './rest-answer.ts';

type Field = keyof ContentsMessage;

/** Where the elements of a type stand; half precision has no place but raw bytes. */
const fields: Readonly<Partial<Record<Datatype, Field>>> = {
  BOOL: 'bool_contents',
  ...{ INT8: 'int_contents', INT16: 'int_contents', INT32: 'int_contents' },
  INT64: 'int64_contents',
  ...{ UINT8: 'uint_contents', UINT16: 'uint_contents', UINT32: 'uint_contents' },
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

/** Reads what is asked; throws `bad-request`. */
export function readGrpc(message: InferMessage): GivenRequest {
  const { raw_input_contents: raw, inputs } = message;
  requireOffered(plain(message.parameters), 'the request');
  if (raw.length > 0 && raw.length !== inputs.length) {
    const got = `${raw.length} for ${inputs.length} inputs`;
    throw badTensor(`"raw_input_contents" expected the bytes of every input, got ${got}`);
  }
  return {
    id: message.id === '' ? undefined : message.id,
    inputs: inputs.map((input, i): GivenTensor => {
      const { name, datatype, contents } = input;
      requireOffered(plain(input.parameters), `"${name.slice(0, 40)}"`);
      const bytes = raw[i];
      if (bytes !== undefined && contents !== null) {
        throw badTensor(`"${name.slice(0, 40)}" expected raw bytes or contents, got both`);
      }
      return {
        ...{ name, datatype, shape: input.shape.map(Number) },
        elements: (place) =>
          bytes === undefined
            ? elementsOfContents(contents ?? {}, place)
            : elementsOfBytes(bytes, place),
      };
    }),
    wanted: message.outputs.map(({ name, parameters }) => {
      requireOffered(plain(parameters), `"${name.slice(0, 40)}"`);
      return { name };
    }),
  };
}

/** The answer; raw bytes where the request had them, or where nothing else can tell the type. */
export function grpcAnswer({ name, version, request, outputs }: Inferred, isRaw: boolean): object {
  const raw = isRaw || outputs.some(({ datatype }) => fields[datatype] === undefined);
  return {
    ...{ model_name: name, model_version: version, id: request.id ?? '' },
    outputs: outputs.map((output) => {
      const { datatype, shape } = output;
      const told = { name: output.name, datatype, shape };
      return raw ? told : { ...told, contents: contentsOf(output) };
    }),
    raw_output_contents: raw ? outputs.map(bytesOf) : [],
  };
}

function elementsOfContents(contents: ContentsMessage, place: Place): TensorData {
  const { name, datatype } = place;
  const field = fields[datatype];
  if (field === undefined) throw badTensor(`"${name}" expected ${datatype} as raw bytes`);
  const stray = Object.entries(contents).find(([own, list]) => own !== field && list.length > 0);
  if (stray !== undefined) throw badTensor(`"${name}" expected "${field}", got "${stray[0]}"`);
  const list: readonly unknown[] = contents[field] ?? [];
  if (datatype === 'BYTES') {
    const texts = list.map((bytes, i) => textOfBytes(bytes as Uint8Array, place, i));
    return elementsOfList(texts, place);
  }
  return elementsOfList(datatype.endsWith('64') && datatype !== 'FP64' ? big(list) : list, place);
}

function big(list: readonly unknown[]): bigint[] {
  return list.map((digits) => BigInt(String(digits)));
}

function contentsOf({ datatype, data }: WireTensor): ContentsMessage {
  const field = fields[datatype] ?? 'fp32_contents';
  const elements = Array.from<unknown, unknown>(data as ArrayLike<unknown>, (value) => {
    if (datatype === 'BOOL') return value === 1;
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'string' ? Buffer.from(value) : value;
  });
  return { [field]: elements };
}

function plain(parameters: ParametersMessage): Record<string, unknown> {
  const entries = Object.entries(parameters).map(([name, value]) => {
    const { parameter_choice: kind } = value;
    const own = kind === undefined ? undefined : value[kind];
    // Integers of 64 bits come as texts, and a text of a zero is no wish.
    return [name, own === '0' ? 0 : own] as const;
  });
  return Object.fromEntries(entries);
}
