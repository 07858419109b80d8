/** Where HDF5 keeps names, texts and long lists: local, global and fractal heaps, and B-trees. */
import { type Block, type Hdf5File, MalformedFile } from './file.ts';

const nodesMax = 200_000;

/** The text at an offset of a local heap (specification, III.D). */
export async function localHeap(
  file: Hdf5File,
  address: number,
): Promise<(offset: number) => string> {
  const head = await file.block(address, 8 + 2 * file.sizes.length + file.sizes.offset);
  if (head.signature() !== 'HEAP') throw new MalformedFile('no local heap');
  head.skip(4);
  const bytes = head.length();
  head.length();
  const data = await file.block(head.address(), bytes);
  return (offset) => {
    data.at = 0;
    data.skip(offset);
    return data.text();
  };
}

/** An object of a global heap (specification, III.E). */
export async function globalObject(
  file: Hdf5File,
  address: number,
  index: number,
): Promise<Uint8Array> {
  const head = await file.block(address, 8 + file.sizes.length);
  if (head.signature() !== 'GCOL') throw new MalformedFile('no global heap');
  head.skip(4);
  const bytes = head.length();
  const block = await file.block(address, bytes);
  block.skip(8 + file.sizes.length);
  while (block.left >= 8 + file.sizes.length) {
    const found = block.number(2);
    block.skip(6);
    const size = block.length();
    if (found === 0) break;
    const data = block.take(size);
    if (found === index) return data;
    block.skip(Math.min(block.left, (8 - (size % 8)) % 8));
  }
  throw new MalformedFile('an object of a global heap is missing');
}

/** Members of an old group: a B-tree of symbol tables (specification, III.A.1 and III.B). */
export async function* symbols(
  file: Hdf5File,
  root: number,
): AsyncGenerator<{
  readonly name: number;
  readonly address: number;
  readonly cache: number;
  readonly scratch: Block;
}> {
  const open = [root];
  const seen = new Set<number>();
  for (let address = open.pop(); address !== undefined; address = open.pop()) {
    if (seen.has(address) || seen.size > nodesMax) throw new MalformedFile('a tree has no end');
    seen.add(address);
    const head = await file.upTo(address, 8 + 2 * file.sizes.offset);
    const signature = head.signature();
    if (signature === 'TREE') {
      head.skip(2);
      const count = head.number(2);
      const width = file.sizes.offset + file.sizes.length;
      const body = await file.block(address + 8 + 2 * file.sizes.offset, count * width);
      for (let i = 0; i < count; i++) {
        body.length();
        open.push(body.address());
      }
    } else if (signature === 'SNOD') {
      head.skip(2);
      const count = head.number(2);
      const width = 2 * file.sizes.offset + 24;
      const body = await file.block(address + 8, count * width);
      for (let i = 0; i < count; i++) {
        const name = body.address();
        const header = body.address();
        const cache = body.number(4);
        body.skip(4);
        yield { name, address: header, cache, scratch: body.part(16) };
      }
    } else throw new MalformedFile('no tree');
  }
}

/** All objects of a fractal heap by the B-tree of version 2 that lists them (III.A.2 and III.G). */
export async function* denseObjects(
  file: Hdf5File,
  heapAddress: number,
  treeAddress: number,
  idAt: number,
): AsyncGenerator<Block> {
  const heap = await readHeap(file, heapAddress);
  for await (const record of records(file, treeAddress)) {
    record.skip(idAt);
    const flags = record.number(1);
    if ((flags >> 4) % 4 !== 0) throw new MalformedFile('an object outside of its heap');
    const offset = record.number(heap.offsetBytes);
    const bytes = record.number(heap.lengthBytes);
    yield await heapObject(file, heap, offset, bytes);
  }
}

interface Heap {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly width: number;
  readonly startBytes: number;
  readonly directBytesMax: number;
  readonly root: number;
  readonly rows: number;
  readonly filtered: boolean;
  readonly blockHead: number;
}

async function readHeap(file: Hdf5File, address: number): Promise<Heap> {
  const { offset, length } = file.sizes;
  const block = await file.upTo(address, 60 + 12 * length + 3 * offset);
  if (block.signature() !== 'FRHP') throw new MalformedFile('no fractal heap');
  block.skip(3);
  const filterBytes = block.number(2);
  const flags = block.number(1);
  const managedMax = block.number(4);
  block.skip(length + offset + length + offset + 8 * length);
  const width = block.number(2);
  const startBytes = block.length();
  const directBytesMax = block.length();
  const heapBits = block.number(2);
  block.skip(2);
  const root = block.address();
  const rows = block.number(2);
  const offsetBytes = Math.ceil(heapBits / 8);
  const widest = Math.min(directBytesMax, managedMax);
  const lengthBytes = Math.max(1, Math.ceil(Math.log2(widest + 1) / 8));
  const blockHead = 5 + offset + offsetBytes + (flags & 2 ? 4 : 0);
  return {
    offsetBytes,
    lengthBytes,
    width,
    startBytes,
    directBytesMax,
    root,
    rows,
    filtered: filterBytes > 0,
    blockHead,
  };
}

async function heapObject(
  file: Hdf5File,
  heap: Heap,
  offset: number,
  bytes: number,
): Promise<Block> {
  if (heap.filtered) throw new MalformedFile('a packed heap');
  if (heap.rows === 0) return file.block(heap.root + offset, bytes);
  const found = await findBlock(file, heap, heap.root, offset, 0);
  return file.block(found.address + (offset - found.start), bytes);
}

/** The direct block of an offset: rows of blocks whose size doubles from the third row on. */
async function findBlock(
  file: Hdf5File,
  heap: Heap,
  address: number,
  offset: number,
  depth: number,
): Promise<{ address: number; start: number }> {
  if (depth > 16) throw new MalformedFile('a heap is too deep');
  const head = await file.block(address, 5 + file.sizes.offset + heap.offsetBytes);
  if (head.signature() !== 'FHIB') throw new MalformedFile('no indirect block');
  head.skip(1 + file.sizes.offset);
  let start = Math.max(0, head.number(heap.offsetBytes));
  const at = address + 5 + file.sizes.offset + heap.offsetBytes;
  for (let row = 0, index = 0; row < 64; row++) {
    const bytes = heap.startBytes * 2 ** Math.max(0, row - 1);
    for (let column = 0; column < heap.width; column++, index++) {
      if (offset >= start && offset < start + bytes) {
        const child = (
          await file.block(at + index * file.sizes.offset, file.sizes.offset)
        ).address();
        if (bytes <= heap.directBytesMax) return { address: child, start };
        return findBlock(file, heap, child, offset, depth + 1);
      }
      start += bytes;
    }
  }
  throw new MalformedFile('an object lies outside of its heap');
}

async function* records(file: Hdf5File, address: number): AsyncGenerator<Block> {
  const { offset, length } = file.sizes;
  const head = await file.block(address, 22 + offset + length);
  if (head.signature() !== 'BTHD') throw new MalformedFile('no tree of records');
  head.skip(2);
  const nodeBytes = head.number(4);
  const recordBytes = head.number(2);
  const depth = head.number(2);
  head.skip(2);
  const root = head.address();
  const rootRecords = head.number(2);
  const total = head.length();
  if (root < 0 || total === 0) return;
  const shape = treeShape(nodeBytes, recordBytes, depth, offset);
  const open = [{ address: root, count: rootRecords, level: depth }];
  for (let seen = 0, node = open.pop(); node !== undefined; node = open.pop()) {
    if (++seen > nodesMax) throw new MalformedFile('a tree has no end');
    const block = await file.block(node.address, nodeBytes);
    const signature = block.signature();
    if (signature !== 'BTLF' && signature !== 'BTIN') throw new MalformedFile('no node of records');
    block.skip(2);
    for (let i = 0; i < node.count; i++) yield block.part(recordBytes);
    if (node.level === 0) continue;
    const { countBytes, totalBytes } = shape(node.level);
    for (let i = 0; i <= node.count; i++) {
      const child = block.address();
      const count = block.number(countBytes);
      if (totalBytes > 0) block.skip(totalBytes);
      open.push({ address: child, count, level: node.level - 1 });
    }
  }
}

/** Widths of the counts beside a child's address, which follow from how many records fit. */
function treeShape(nodeBytes: number, recordBytes: number, depth: number, offsetBytes: number) {
  const width = (value: number): number => Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
  const leaf = Math.floor((nodeBytes - 10) / recordBytes);
  const countBytes = width(leaf);
  const most: number[] = [leaf];
  for (let level = 1; level <= depth; level++) {
    const below = most[level - 1] ?? leaf;
    const pointer = offsetBytes + countBytes + (level > 1 ? width(below) : 0);
    const fit = Math.floor((nodeBytes - 10 - pointer) / (recordBytes + pointer));
    most.push(fit + (fit + 1) * below);
  }
  return (level: number) => ({
    countBytes,
    totalBytes: level > 1 ? width(most[level - 1] ?? leaf) : 0,
  });
}
