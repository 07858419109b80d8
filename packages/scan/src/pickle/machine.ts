/**
 * The abstract pickle machine: runs a stream opcode by opcode as CPython does (Lib/pickle.py and
 * Modules/_pickle.c), on values that only remember where they came from. It never imports, calls
 * or builds anything: it tells a listener what loading would.
 */
import type { Cursor } from '../cursor.ts';
import { type Break, Decoder, type Instruction } from './decode.ts';
import { handlers, type Machine } from './handlers.ts';
import type { Listener } from './listener.ts';
import { protocolMax } from './opcode.ts';
import { Fault, Store } from './state.ts';
import type { Value } from './value.ts';

/** Places of raw data that are remembered. */
export const rawOffsetsMax = 10_000;

/** POP and POP_MARK, and what a pickler writes after them: another one, or GET. */
const takesBack: ReadonlySet<number> = new Set([0x30, 0x31]);
const afterPop: ReadonlySet<number> = new Set([0x30, 0x31, 0x67, 0x68, 0x6a]);

/** How to run. */
export interface RunOptions {
  readonly opcodesMax: number;
  readonly retainedBytesMax: number;
  /** Goes on where CPython would fail, with unknown values: for bytes that may be no stream. */
  readonly lenient?: boolean;
  /** Bytes that a loader reads from the stream after an object was built (joblib arrays). */
  readonly rawAfter?: (built: Value) => RawBytes | null;
}

/** Raw bytes inside a stream. */
export interface RawBytes {
  readonly bytes: number;
  /** A byte before them tells how much padding stands there. */
  readonly padded: boolean;
  /** True when a pickle stream of its own stands there instead. */
  readonly pickle: boolean;
}

/** How a run ended. */
export interface Outcome {
  /** True when STOP was reached with a value. */
  readonly stopped: boolean;
  /** Why the stream broke, or null. */
  readonly broken: Break | string | null;
  /** True when the budget of opcodes was spent. */
  readonly spent: boolean;
  readonly opcodes: number;
  /** The highest protocol number given. */
  readonly protocol: number;
  /** Offset behind the last instruction. */
  readonly end: number;
  readonly value: Value | null;
  /** Offsets at which Python and C read differently. */
  readonly straddles: readonly number[];
  /** Offsets at which the frames are not those of a pickler. */
  readonly oddFrames: readonly number[];
  /** Offset of the first value that is built and thrown away, or null. */
  readonly thrownAway: number | null;
  readonly highestMemoIndex: number;
  /** Bytes passed over as raw data. */
  readonly rawBytes: number;
  /** Where raw data began, at most `rawOffsetsMax` places. */
  readonly rawOffsets: readonly number[];
}

/** Runs the stream at the cursor until STOP, a fault or the end of the budget. */
export async function runPickle(
  cursor: Cursor,
  listener: Listener,
  options: RunOptions,
): Promise<Outcome> {
  const decoder = new Decoder(cursor);
  const store = new Store({
    retainedBytesMax: options.retainedBytesMax,
    lenient: options.lenient === true,
  });
  const machine: Machine = { store, listener, protocol: 0 };
  let opcodes = 0;
  let broken: string | null = null;
  let value: Value | null = null;
  let popped: number | null = null;
  let thrownAway: number | null = null;
  const rawOffsets: number[] = [];
  let rawBytes = 0;
  while (opcodes < options.opcodesMax) {
    if (!(decoder.ready && decoder.quick())) {
      broken = await decoder.next();
      if (broken !== null) break;
    }
    opcodes++;
    const { instruction } = decoder;
    // Picklers take values back only to fetch the same object from the memo.
    if (popped !== null && !afterPop.has(instruction.code)) thrownAway ??= popped;
    popped = takesBack.has(instruction.code) ? instruction.offset : null;
    try {
      if (instruction.code === 0x2e) {
        value = store.pop();
        break;
      }
      execute(machine, instruction);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      broken = thrown.message;
      break;
    }
    if (instruction.code === 0x62 && options.rawAfter !== undefined) {
      const from = cursor.at;
      const raw = options.rawAfter(store.top());
      if (raw?.pickle === true) {
        opcodes += await runInner(cursor, listener, options, opcodes);
      } else rawBytes += await skipRaw(cursor, raw);
      if (raw !== null) decoder.raw();
      if (raw?.pickle === false && rawOffsets.length < rawOffsetsMax) rawOffsets.push(from);
    }
  }
  return {
    stopped: value !== null,
    broken,
    spent: value === null && broken === null,
    opcodes,
    protocol: machine.protocol,
    end: cursor.at,
    value,
    straddles: decoder.straddles,
    oddFrames: decoder.oddFrames,
    thrownAway,
    highestMemoIndex: store.highestIndex,
    rawBytes,
    rawOffsets,
  };
}

function execute(machine: Machine, instruction: Instruction): void {
  const handler = handlers[instruction.code];
  if (handler === undefined) throw new Fault('unknown opcode');
  handler(machine, instruction);
  if (machine.protocol > protocolMax) throw new Fault('unsupported protocol');
}

/** An array of objects is a stream within the stream; its faults show where the outer goes on. */
async function runInner(
  cursor: Cursor,
  listener: Listener,
  options: RunOptions,
  spent: number,
): Promise<number> {
  const inner = { ...options, opcodesMax: options.opcodesMax - spent };
  const { rawAfter: _, ...plain } = inner;
  const outcome = await runPickle(cursor, listener, plain);
  return outcome.opcodes;
}

async function skipRaw(cursor: Cursor, raw: RawBytes | null): Promise<number> {
  if (raw === null) return 0;
  const from = cursor.at;
  if (raw.padded) {
    await cursor.need(1);
    if (cursor.ready > 0) cursor.skip(cursor.u8());
  }
  cursor.skip(raw.bytes);
  return cursor.at - from;
}
