/** The run interface: whoever runs a model implements it, whoever attacks one needs only this. */
import type { Tensors, TensorType } from './tensor.ts';

/** An input or output of a model; a symbolic or unknown axis is -1. */
export interface ValueInfo {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
}

/** A loaded model. */
export interface Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the model; `fetches` names the outputs wanted (default: all). Outputs named in `into` are
   * written there, so that large ones are not made anew at every run; their shapes must fit.
   */
  run(feeds: Tensors, fetches?: readonly string[], into?: Tensors): Promise<Tensors>;
  /** Frees the native memory; later runs fail. */
  close(): Promise<void>;
}

/** How a model is run. */
export interface SessionOptions {
  /** Threads inside one operator (default 1). */
  readonly threads?: number;
  /** False runs the graph as it stands, which opens sooner and runs slower (default true). */
  readonly optimize?: boolean;
  /**
   * Whether threads wait for work by spinning, at most a millisecond: quicker on a machine of one's
   * own, slower beside others (default: as it is quiet when the model is opened).
   */
  readonly spin?: boolean;
}

/** Opens a model from its bytes; throws `GraphError` `invalid-model` when it cannot be loaded. */
export type OpenSession = (model: Uint8Array, options?: SessionOptions) => Promise<Session>;
