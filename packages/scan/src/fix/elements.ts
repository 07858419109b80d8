/** Types of elements in safetensors (its format description, "Format") by their other names. */
const types = {
  BOOL: { bytes: 1, names: ['BoolStorage', 'bool', 'numpy.b1', 'numpy.bool', 'numpy.?'] },
  U8: { bytes: 1, names: ['ByteStorage', 'uint8', 'numpy.u1'] },
  I8: { bytes: 1, names: ['CharStorage', 'int8', 'numpy.i1'] },
  F8_E4M3: { bytes: 1, names: ['float8_e4m3fn'] },
  F8_E5M2: { bytes: 1, names: ['float8_e5m2'] },
  I16: { bytes: 2, names: ['ShortStorage', 'int16', 'numpy.i2'] },
  U16: { bytes: 2, names: ['uint16', 'numpy.u2'] },
  F16: { bytes: 2, names: ['HalfStorage', 'float16', 'numpy.f2'] },
  BF16: { bytes: 2, names: ['BFloat16Storage', 'bfloat16'] },
  I32: { bytes: 4, names: ['IntStorage', 'int32', 'numpy.i4'] },
  U32: { bytes: 4, names: ['uint32', 'numpy.u4'] },
  F32: { bytes: 4, names: ['FloatStorage', 'float32', 'numpy.f4'] },
  I64: { bytes: 8, names: ['LongStorage', 'int64', 'numpy.i8'] },
  U64: { bytes: 8, names: ['uint64', 'numpy.u8'] },
  F64: { bytes: 8, names: ['DoubleStorage', 'float64', 'numpy.f8'] },
  C64: { bytes: 8, names: ['ComplexFloatStorage', 'complex64', 'numpy.c8'] },
} as const;

/** The name of a type in safetensors. */
export type ElementType = keyof typeof types;

const byName = new Map(
  Object.entries(types).flatMap(([type, { names }]) =>
    names.map((name): [string, ElementType] => [name, type as ElementType]),
  ),
);

/** The type of a storage, a PyTorch type or a NumPy type; null where safetensors has none. */
export function elementType(name: string): ElementType | null {
  const plain = name.replace(/^torch\.(cuda\.|storage\.)?/, '');
  return byName.get(plain) ?? null;
}

/** Bytes of an element. */
export function elementBytes(type: ElementType): number {
  return types[type].bytes;
}
