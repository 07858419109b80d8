/** Weights out of pickles, beside what PyTorch and NumPy load from the same files. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concat, memorySource, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytesOfPieces, FixError, weightsAsSafetensors } from '../../src/index.ts';
import { bytes, callWithText, little, scan, zip } from '../support.ts';

interface Expected {
  readonly files: Readonly<
    Record<string, Readonly<Record<string, { type: string; shape: number[]; sha256: string }>>>
  >;
}

const vector = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../../vectors/fix/${name}`, import.meta.url)));
const expected = JSON.parse(new TextDecoder().decode(vector('expected.json'))) as Expected;

async function repair(content: Uint8Array) {
  const source = memorySource(content);
  const { changes, pieces } = await weightsAsSafetensors(source);
  const parts: Uint8Array[] = [];
  for await (const part of bytesOfPieces(source, pieces)) parts.push(part);
  return { changes, file: concat(parts) };
}

function tensorsOf(file: Uint8Array) {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const { __metadata__: metadata, ...tensors } = header as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  expect(metadata).toEqual({ format: 'pt' });
  return Object.fromEntries(
    Object.entries(tensors).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const own = file.subarray(8 + length + begin, 8 + length + end);
        const sha256 = createHash('sha256').update(own).digest('hex');
        return [name, { type: dtype, shape, sha256 }];
      },
    ),
  );
}

describe('weights as safetensors', () => {
  it.each(Object.entries(expected.files))('%s', async (name, tensors) => {
    const { file } = await repair(vector(name));
    expect(tensorsOf(file)).toEqual(tensors);
    const report = await scan(file, { path: 'out.safetensors' });
    expect([report.verdict, report.findings]).toEqual(['clean', []]);
  });

  it('what is no tensor is told and stays behind, and nothing is called', async () => {
    const { changes } = await repair(vector('calls-print.pt'));
    expect(changes).toEqual([
      '1 tensor written as safetensors',
      expect.stringMatching(/^left out "x": an object of "__builtin__.print" \(byte \d+\)$/),
    ]);
    const { changes: others } = await repair(vector('checkpoint.pt'));
    expect(others).toContain('left out "epoch": a number');
    expect(others).toContain('left out "options.lr": a number');
  });

  it('an archive that was packed again is unpacked', async () => {
    const entries = [
      { name: 'm/data.pkl', content: pickleOf(3, 'FloatStorage'), deflate: true },
      { name: 'm/data/0', content: new Uint8Array(12).fill(1), deflate: true },
    ];
    const { file } = await repair(zip(entries));
    expect(tensorsOf(file)).toMatchObject({ tensor: { type: 'F32', shape: [3] } });
  });

  it('numbers of a machine that writes the high byte first are turned', async () => {
    const { file } = await repair(
      zip([
        { name: 'm/data.pkl', content: pickleOf(1, 'FloatStorage') },
        { name: 'm/byteorder', content: bytes('big') },
        { name: 'm/data/0', content: Uint8Array.of(0x3f, 0x80, 0, 0) },
      ]),
    );
    expect([...file.subarray(-4)]).toEqual([0, 0, 0x80, 0x3f]);
  });
});

/** One tensor of so many numbers, as `torch.save` has it. */
function pickleOf(count: number, storage: string, strides = 1): Uint8Array {
  const short = (text: string) => bytes('\x8c', text.length, text);
  const id = ['(', short('storage'), `ctorch\n${storage}\n`, short('0'), short('cpu')];
  return bytes(
    '\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(',
    ...id,
    bytes('K', 3, 'tQK', 0, 'K', count, '\x85K', strides, '\x85\x89'),
    'ccollections\nOrderedDict\n)RtR.',
  );
}

describe('what cannot be taken out', () => {
  const numbers = { name: 'm/data/0', content: new Uint8Array(12) };
  it.each<[string, Uint8Array, string]>([
    ['a pickle without tensors', bytes('\x80\x02}.'), 'the file holds no tensors'],
    [
      'a call alone',
      bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.'),
      'the file holds no tensors',
    ],
    ['a cut pickle', vector('arrays-4.pkl').subarray(0, 500), 'its pickle breaks at byte'],
    ['a cut archive', vector('state.pt').subarray(0, 2000), 'the archive has no directory'],
    ['cut numbers', vector('state-legacy.pt').subarray(0, 1500), 'it ends inside its numbers'],
    [
      'a view beyond its storage',
      zip([{ name: 'm/data.pkl', content: pickleOf(3, 'FloatStorage', 5) }, numbers]),
      'tensor "tensor" reaches beyond its numbers',
    ],
    [
      'a storage that is not there',
      zip([{ name: 'm/data.pkl', content: pickleOf(3, 'FloatStorage') }]),
      'it has no member "data/0"',
    ],
    [
      'elements without a name in safetensors',
      zip([{ name: 'm/data.pkl', content: pickleOf(3, 'QInt8Storage') }, numbers]),
      '"tensor" has elements of "torch.QInt8Storage"',
    ],
    [
      'a quantized tensor',
      bytes('\x80\x02ctorch._utils\n_rebuild_qtensor\n)R.'),
      'is written by "torch._utils._rebuild_qtensor"',
    ],
    ['two pickles in one archive', zip([numbers, numbers]), 'expected one data.pkl'],
    [
      'two headers that disagree',
      zip([{ name: 'm/data.pkl', content: pickleOf(3, 'x'), local: { name: 'm/other.pkl' } }]),
      'the two headers of "m/data.pkl" disagree',
    ],
    ['an extension code', bytes('\x80\x02\x82', little(5, 1), '.'), '"EXT1" at byte 2'],
    ['a stack that is empty', bytes('\x80\x020.'), 'its pickle takes more than it put'],
    ['a memo that is empty', bytes('\x80\x02h', little(5, 1), '.'), 'recalls what it never kept'],
  ])('%s', async (_, content, message) => {
    await expect(repair(content)).rejects.toThrow(message);
  });

  it('whatever is changed in a file, it is taken out or refused', async () => {
    const random = seeded(5);
    const names = Object.keys(expected.files);
    const outcomes = { done: 0, refused: 0 };
    for (let round = 0; round < 600; round++) {
      const content = vector(names[round % names.length] ?? '').slice();
      for (let k = 0; k <= round % 3; k++) {
        content[random.integer(content.length)] = random.integer(256);
      }
      try {
        await repair(content);
        outcomes.done++;
      } catch (error) {
        if (!(error instanceof FixError)) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.done).toBeGreaterThan(50);
    expect(outcomes.refused).toBeGreaterThan(50);
  });

  it('a value that holds itself ends', async () => {
    await expect(repair(bytes('\x80\x02]q\x00h\x00a.'))).rejects.toThrow('holds no tensors');
  });
});
