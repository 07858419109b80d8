/**
 * Arrays as `.npy` (NumPy NEP 1) and IDX (LeCun's MNIST page) store them, read as plain numbers.
 * Python objects are refused by name: loading them would run a pickle.
 */
import { DataError } from './error.ts';

/** A dense array of numbers, row-major. */
export interface NumberArray {
  readonly shape: readonly number[];
  /** True when the file stores unsigned bytes, as images do. */
  readonly bytes: boolean;
  readonly length: number;
  /** The element at a flat, row-major position. */
  at(index: number): number;
}

interface Element {
  readonly size: number;
  read(view: DataView, at: number): number;
}

const rankMax = 8;

/** Reads a `.npy` file; `name` is used in messages. Throws `DataError`. */
export function readNpy(file: Uint8Array, name: string, elementsMax: number): NumberArray {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || view.getUint32(0) !== 0x934e554d || view.getUint16(4) !== 0x5059) {
    throw new DataError('invalid-data', `"${name}" is not a .npy array`);
  }
  const wide = view.getUint8(6) >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > file.length) throw truncated(name);
  const header = new TextDecoder('latin1').decode(file.subarray(start, start + length));
  const { descr, fortran, shape } = parseHeader(header, name);
  const element = npyElement(descr, name);
  return layOut(file.subarray(start + length), element, {
    name,
    shape,
    fortran,
    elementsMax,
    bytes: descr.endsWith('u1'),
  });
}

/** Reads an IDX file. Throws `DataError`. */
export function readIdx(file: Uint8Array, name: string, elementsMax: number): NumberArray {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const type = file[2] ?? 0;
  const rank = file[3] ?? 0;
  const element = idxElements.get(type);
  if (file.length < 4 || view.getUint16(0) !== 0 || element === undefined || rank > rankMax) {
    throw new DataError('invalid-data', `"${name}" is not an IDX file`);
  }
  const start = 4 + 4 * rank;
  if (file.length < start) throw truncated(name);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const bytes = type === 0x08;
  return layOut(file.subarray(start), element, { name, shape, fortran: false, elementsMax, bytes });
}

interface Layout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly elementsMax: number;
  readonly bytes: boolean;
}

function layOut(data: Uint8Array, element: Element, layout: Layout): NumberArray {
  const { name, shape, elementsMax } = layout;
  const length = shape.reduce((product, size) => product * size, 1);
  if (length > elementsMax) {
    throw new DataError('too-large', `"${name}" expected ≤ ${elementsMax} elements, got ${length}`);
  }
  if (data.length < length * element.size) throw truncated(name);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const place = layout.fortran ? fortranPlace(shape) : (index: number) => index;
  return {
    shape,
    length,
    bytes: layout.bytes,
    at: (index) => element.read(view, place(index) * element.size),
  };
}

/** Where the element of a row-major position lies when the first axis varies fastest. */
function fortranPlace(shape: readonly number[]): (index: number) => number {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  return (index) => {
    let rest = index;
    let place = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      place += (rest % size) * (strides[axis] ?? 1);
      rest = Math.floor(rest / size);
    }
    return place;
  };
}

function parseHeader(header: string, name: string) {
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const tuple = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (/'descr':\s*\[/.test(header)) {
    throw new DataError('unsupported-data', `"${name}" is a structured array`, {
      hint: 'Save one plain array of numbers.',
    });
  }
  if (descr === undefined || fortran === undefined || tuple === undefined) {
    throw new DataError('invalid-data', `"${name}" has a header that cannot be read`);
  }
  const shape = tuple.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  if (shape.length > rankMax) {
    throw new DataError('too-large', `"${name}" expected ≤ ${rankMax} axes, got ${shape.length}`);
  }
  return { descr, fortran: fortran === 'True', shape };
}

function npyElement(descr: string, name: string): Element {
  const [, order, kind = ''] = /^([<>|=]?)(.*)$/.exec(descr) ?? [];
  if (kind.startsWith('O')) {
    throw new DataError('unsupported-data', `"${name}" holds pickled Python objects`, {
      hint: 'Objects are never loaded, they can run code. Save numbers: array.astype("float32").',
    });
  }
  const element = elements(order !== '>').get(kind);
  if (element === undefined) {
    throw new DataError('unsupported-data', `"${name}" has element type "${descr}"`, {
      hint: 'Save it as float32, float64, an integer type or bool.',
    });
  }
  return element;
}

function elements(little: boolean): ReadonlyMap<string, Element> {
  return new Map<string, Element>([
    ['b1', { size: 1, read: (view, at) => view.getUint8(at) }],
    ['u1', { size: 1, read: (view, at) => view.getUint8(at) }],
    ['i1', { size: 1, read: (view, at) => view.getInt8(at) }],
    ['u2', { size: 2, read: (view, at) => view.getUint16(at, little) }],
    ['i2', { size: 2, read: (view, at) => view.getInt16(at, little) }],
    ['u4', { size: 4, read: (view, at) => view.getUint32(at, little) }],
    ['i4', { size: 4, read: (view, at) => view.getInt32(at, little) }],
    ['u8', { size: 8, read: (view, at) => Number(view.getBigUint64(at, little)) }],
    ['i8', { size: 8, read: (view, at) => Number(view.getBigInt64(at, little)) }],
    ['f2', { size: 2, read: (view, at) => view.getFloat16(at, little) }],
    ['f4', { size: 4, read: (view, at) => view.getFloat32(at, little) }],
    ['f8', { size: 8, read: (view, at) => view.getFloat64(at, little) }],
  ]);
}

const bigEndian = elements(false);

const idxElements: ReadonlyMap<number, Element> = new Map(
  (
    [
      [0x08, 'u1'],
      [0x09, 'i1'],
      [0x0b, 'i2'],
      [0x0c, 'i4'],
      [0x0d, 'f4'],
      [0x0e, 'f8'],
    ] as const
  ).flatMap(([type, kind]) => {
    const element = bigEndian.get(kind);
    return element === undefined ? [] : [[type, element] as const];
  }),
);

function truncated(name: string): DataError {
  return new DataError('truncated-data', `"${name}" is cut short`, {
    hint: 'Fetch or make the file again.',
  });
}
