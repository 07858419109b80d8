/**
 * Matrix products by vector instructions, as a WebAssembly module of one function that is put
 * together here (WebAssembly core specification 2.0, section 5, "Binary Format"). What it computes
 * is `multiply` in linear.ts, with float32 sums.
 */

/** Columns that are computed together: four vectors of four numbers. */
export const panelColumns = 16;

const bytesOfNumber = 4;
const vectors = 4;
const bytesOfVector = 16;
const bytesOfPanel = vectors * bytesOfVector;
const bytesOfPage = 65_536;

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What is used of the WebAssembly JavaScript interface, which Node has and its types have not. */
declare const WebAssembly: {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** Addresses in bytes, aligned to vectors. */
type Product = (
  a: number,
  weights: number,
  shift: number,
  out: number,
  rows: number,
  inner: number,
  panels: number,
) => void;

/** Memory that products of one session work in. */
export interface Arena {
  /**
   * Makes a product of [rows, inner] by `weights` [inner, columns], plus `shift` [columns] to each
   * row; `to` is [rows, columns].
   */
  product(of: FixedProduct): (from: Float32Array, to: Float32Array) => void;
}

/** A product whose second factor never changes. */
export interface FixedProduct {
  /** [columns, inner]. */
  readonly weights: Float32Array;
  readonly shift: Float64Array;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

let compiled: object | 'unsupported' | undefined;

/** The module, which is the same for every arena. */
function compile(): object | 'unsupported' {
  const bytes = moduleBytes();
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : 'unsupported';
}

/** A new arena; null where this machine has no vector instructions. */
export function openArena(): Arena | null {
  compiled ??= compile();
  if (compiled === 'unsupported') return null;
  const { exports } = new WebAssembly.Instance(compiled);
  const memory = exports.memory as Memory;
  const run = exports.product as Product;
  let [used, numbers] = [0, new Float32Array(memory.buffer)];
  const reserve = (length: number): number => {
    const at = used;
    used += Math.ceil(length / panelColumns) * panelColumns;
    const missing = used * bytesOfNumber - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / bytesOfPage));
      numbers = new Float32Array(memory.buffer);
    }
    return at;
  };
  return {
    product: (of) => {
      const { rows, inner, columns } = of;
      const panels = Math.ceil(columns / panelColumns);
      const width = panels * panelColumns;
      const weights = reserve(inner * width);
      const shift = reserve(width);
      const [a, out] = [reserve(rows * inner), reserve(rows * width)];
      pack(of, numbers.subarray(weights, weights + inner * width));
      numbers.set(of.shift, shift);
      const at = (place: number): number => place * bytesOfNumber;
      return (from, to) => {
        numbers.set(from, a);
        run(at(a), at(weights), at(shift), at(out), rows, inner, panels);
        for (let row = 0; row < rows; row++) {
          const start = out + row * width;
          for (let n = 0; n < columns; n++) to[row * columns + n] = numbers[start + n] ?? 0;
        }
      };
    },
  };
}

/** Panels of sixteen columns, [columns / 16][inner][16], with zeros beside the last column. */
function pack({ weights, inner, columns }: FixedProduct, to: Float32Array): void {
  for (let n = 0; n < columns; n++) {
    const panel = Math.floor(n / panelColumns) * inner * panelColumns + (n % panelColumns);
    for (let k = 0; k < inner; k++) to[panel + k * panelColumns] = weights[n * inner + k] ?? 0;
  }
}

const int32 = 0x7f;
const vector = 0x7b;
const noResult = 0x40;
const code = { loop: 0x03, end: 0x0b, branchIf: 0x0d, get: 0x20, set: 0x21, tee: 0x22 } as const;
const sum = { constant: 0x41, add: 0x6a, subtract: 0x6b, multiply: 0x6c } as const;
const prefix = 0xfd;
/** Loads and stores: the instruction, then the alignment as a power of two; an offset follows. */
const access = { load: [0x00, 4], loadToAll: [0x09, 2], store: [0x0b, 4] } as const;
const arithmetic = { add: [0xe4, 1], multiply: [0xe6, 1] } as const;
/** Places of the parameters, in order, and of the local variables behind them. */
const [a, weights, shift, out, rows, inner, panels] = [0, 1, 2, 3, 4, 5, 6];
const [weight, shifted, panel, element, left] = [7, 8, 9, 10, 11];
const [factor, sums] = [12, [13, 14, 15, 16]];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const parameters = Array.from({ length: 7 }, () => int32);
  const locals = [2, 5, int32, 5, vector];
  const body = [...locals, ...productCode(), code.end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters.length, ...parameters, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text('product'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** Rows, panels and elements, each counted down in a local variable. */
function productCode(): number[] {
  const ofElements = [
    ...[code.get, element, prefix, ...access.loadToAll, 0, code.set, factor],
    ...sums.flatMap((own, i) => [
      ...[code.get, own, code.get, factor, code.get, weight],
      ...[prefix, ...access.load, i * bytesOfVector, prefix, ...arithmetic.multiply],
      ...[prefix, ...arithmetic.add, code.set, own],
    ]),
    ...raise(weight, bytesOfPanel),
    ...raise(element, bytesOfNumber),
  ];
  const ofPanels = [
    ...sums.flatMap((own, i) => [
      ...[code.get, shifted, prefix, ...access.load, i * bytesOfVector, code.set, own],
    ]),
    ...[code.get, a, code.set, element],
    ...times(left, inner, ofElements),
    ...sums.flatMap((own, i) => [
      ...[code.get, out, code.get, own, prefix, ...access.store, i * bytesOfVector],
    ]),
    ...raise(out, bytesOfPanel),
    ...raise(shifted, bytesOfPanel),
  ];
  const ofRows = [
    ...[code.get, weights, code.set, weight, code.get, shift, code.set, shifted],
    ...times(panel, panels, ofPanels),
    ...[code.get, inner, sum.constant, bytesOfNumber, sum.multiply],
    ...[code.get, a, sum.add, code.set, a],
  ];
  return [code.loop, noResult, ...ofRows, ...down(rows), code.end];
}

/** A body run as often as `count` says, which is at least once. */
function times(counter: number, count: number, body: readonly number[]): number[] {
  const start = [code.get, count, code.set, counter, code.loop, noResult];
  return [...start, ...body, ...down(counter), code.end];
}

/** One less; back to the loop's start while any are left. */
function down(counter: number): number[] {
  const less = [code.get, counter, sum.constant, 1, sum.subtract];
  return [...less, code.tee, counter, code.branchIf, 0];
}

function raise(place: number, by: number): number[] {
  return [code.get, place, sum.constant, ...signed(by), sum.add, code.set, place];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(name: string): number[] {
  return [name.length, ...new TextEncoder().encode(name)];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

/** LEB128 of a number below 128 that is not negative: the sixth bit would be a sign. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [value + 128, 0];
}
