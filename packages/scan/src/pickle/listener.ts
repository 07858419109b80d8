/** Whom the abstract pickle machine tells what loading would do. */
import type { Call, Global, Value } from './value.ts';

/** What loading would do, in the order in which it would. */
export interface Listener {
  imported(global: Global): void;
  /** An import whose name is not a constant of the stream. */
  computedName(module: Value, name: Value, offset: number): void;
  called(call: Call): void;
  /** State given to an object by BUILD. */
  built(target: Value, state: Value, offset: number): void;
  /** Items given to an object that is no plain container. */
  stored(target: Value, items: readonly Value[], offset: number): void;
  persistent(id: Value, offset: number): void;
  extension(code: number, offset: number): void;
  /** A literal that was read. */
  literal(value: Value): void;
}
