/** Inference requests in JSON, with the bytes of tensors behind it where they say so. */
import { isJsonObject, type JsonObject } from '@merlon/core';
import { badTensor, elementsOfBytes, elementsOfList, type Place } from './elements.ts';
import { type GivenRequest, type GivenTensor, requireOffered } from './request.ts';
import type { InferBody } from './wire.ts';

/** A request and how it wants its outputs. */
export interface RestRequest extends GivenRequest {
  /** Whether outputs are wanted as bytes where they do not say so themselves. */
  readonly binary: boolean;
}

/** Reads what is asked; throws `bad-request`. */
export function readRest({ json, tail }: InferBody): RestRequest {
  if (!isJsonObject(json) || !Array.isArray(json.inputs)) {
    throw badTensor('"inputs" expected a list of tensors');
  }
  const parameters = parametersOf(json, 'the request');
  const cut = tailCutter(tail);
  const inputs = objectsIn(json.inputs, 'inputs').map((tensor) => given(tensor, cut));
  if (cut.left() > 0) {
    throw badTensor(`${cut.left()} bytes behind the JSON belong to no tensor`);
  }
  const outputs = json.outputs ?? [];
  if (!Array.isArray(outputs)) throw badTensor('"outputs" expected a list');
  const wanted = objectsIn(outputs, 'outputs').map((output) => {
    const own = parametersOf(output, `"${String(output.name).slice(0, 40)}"`);
    return { name: output.name, binary: flag(own, 'binary_data') };
  });
  const binary = flag(parameters, 'binary_data_output') ?? false;
  return { id: json.id, inputs, wanted, binary };
}

interface Cutter {
  take(bytes: number, name: string): Uint8Array;
  left(): number;
}

/** The bytes behind the JSON, which tensors have in the order in which they stand in it. */
function tailCutter(tail: Uint8Array): Cutter {
  let at = 0;
  return {
    take: (bytes, name) => {
      if (bytes > tail.length - at) {
        const got = `${bytes} announced and ${tail.length - at} sent`;
        throw badTensor(`"${name}" expected its bytes behind the JSON, got ${got}`);
      }
      at += bytes;
      return tail.subarray(at - bytes, at);
    },
    left: () => tail.length - at,
  };
}

function given(tensor: JsonObject, cut: Cutter): GivenTensor {
  const { name, datatype, shape, data } = tensor;
  const called = String(name).slice(0, 40);
  const size = parametersOf(tensor, `"${called}"`).binary_data_size;
  if (size === undefined) {
    return { name, datatype, shape, elements: (place) => elementsOfList(data, place) };
  }
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
    const got = (JSON.stringify(size) ?? '').slice(0, 20);
    throw badTensor(`"binary_data_size" of "${called}" expected a number of bytes, got ${got}`);
  }
  if (data !== undefined) {
    throw badTensor(`"${called}" expected "data" or "binary_data_size", got both`);
  }
  const bytes = cut.take(size, called);
  return { name, datatype, shape, elements: (place: Place) => elementsOfBytes(bytes, place) };
}

function objectsIn(list: readonly unknown[], what: string): JsonObject[] {
  return list.map((each) => {
    if (isJsonObject(each)) return each;
    throw badTensor(`"${what}" expected objects with a name`);
  });
}

function parametersOf({ parameters = {} }: JsonObject, whose: string): JsonObject {
  if (!isJsonObject(parameters)) throw badTensor(`the parameters of ${whose} expected an object`);
  requireOffered(parameters, whose);
  return parameters;
}

function flag(parameters: JsonObject, name: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw badTensor(`"${name}" expected true or false`);
}
