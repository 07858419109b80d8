/**
 * What stands behind every transport of the Open Inference Protocol: who may ask which model, and
 * the question itself. REST and gRPC only read and write messages; they decide nothing.
 */
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import type { WireTensor } from './datatypes.ts';
import type { InferRequest } from './request.ts';

/** Who asks, and for what. */
export interface Asking {
  /** Text of a key; null when none was sent. */
  readonly key: string | null;
  readonly name: string;
  /** Null asks for the version that is served. */
  readonly version: string | null;
}

/** A model that the caller may know of. */
export interface KnownModel {
  readonly name: string;
  readonly version: string;
  /** Null while it is not loaded. */
  readonly model: LoadedModel | null;
}

/** Reads the request for a model; throws `bad-request`, `input-refused` or `too-large`. */
export type ReadRequest = (model: LoadedModel) => InferRequest | Promise<InferRequest>;

/** A request and its answer. */
export interface Inferred {
  readonly name: string;
  readonly version: string;
  readonly request: InferRequest;
  /** The outputs that were asked for, in that order. */
  readonly outputs: readonly WireTensor[];
}

/** The way in. Every method but `isReady` throws `not-signed-in`, `forbidden` or `not-found`. */
export interface Front {
  /** Version of the program. */
  readonly version: string;
  isReady(): boolean;
  find(asking: Asking): Promise<KnownModel>;
  /** The models that the key may ask. */
  index(key: string | null): Promise<readonly KnownModel[]>;
  /** Key → decision → `read` → budget → guards → model → guards → event. */
  infer(asking: Asking, read: ReadRequest): Promise<Inferred>;
  /** Told about faults of our own. */
  readonly onFault: (error: unknown) => void;
}

/** What the server says that it can do besides the protocol. */
export const extensions = ['binary_tensor_data', 'model_repository'] as const;

/** How a model's file is run. */
export const modelPlatform = 'onnxruntime_onnx';

/** The loaded model; throws `unavailable` while there is none. */
export function requireLoaded({ model }: KnownModel): LoadedModel {
  if (model !== null) return model;
  throw new PlatformError('unavailable', 'the model is not loaded at the moment', {
    hint: 'try again in a moment',
  });
}

/** Throws `not-found` for a version that is not served. */
export function requireVersion({ name, version }: Asking, served: string): void {
  if (version === null || version === '' || version === served) return;
  const got = version.slice(0, 64);
  throw new PlatformError('not-found', `"${name}" is not served in version "${got}"`, {
    hint: `the version that is served is "${served}"`,
  });
}

/** One entry of the repository index. */
export function indexEntry({ name, version, model }: KnownModel) {
  return { name, version, state: model === null ? 'UNAVAILABLE' : 'READY', reason: '' };
}

/** The outputs that a request names, in its order; all when it names none. */
export function wantedOf(
  outputs: readonly WireTensor[],
  { wanted }: InferRequest,
): readonly WireTensor[] {
  if (wanted === null) return outputs;
  return wanted.flatMap(({ name }) => outputs.filter((output) => output.name === name));
}
