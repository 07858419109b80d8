/** Object headers of HDF5 (specification, IV.A): the messages that say what an object is. */
import { type Block, type Hdf5File, MalformedFile } from './file.ts';

/** A message of an object header. */
export interface Message {
  readonly type: number;
  readonly block: Block;
}

const messagesMax = 100_000;
const continuation = 0x10;

/** All messages of the object at an address. */
export async function messagesOf(file: Hdf5File, address: number): Promise<Message[]> {
  const head = await file.upTo(address, 16);
  const isNew = head.signature() === 'OHDR';
  return isNew ? newMessages(file, address) : oldMessages(file, address);
}

async function oldMessages(file: Hdf5File, address: number): Promise<Message[]> {
  const head = await file.block(address, 16);
  if (head.number(1) !== 1) throw new MalformedFile('no object header');
  head.skip(1);
  const count = head.number(2);
  head.skip(4);
  const chunks = [{ address: address + 16, bytes: head.number(4) }];
  const messages: Message[] = [];
  for (const chunk of chunks) {
    const block = await file.block(chunk.address, chunk.bytes);
    while (block.left >= 8 && messages.length < count) {
      const type = block.number(2);
      const bytes = block.number(2);
      block.skip(4);
      const message = { type: type < 0 ? 0xffff : type, block: block.part(Math.max(0, bytes)) };
      messages.push(message);
      if (message.type === continuation) chunks.push(continued(message.block));
    }
    if (chunks.length > 1000 || messages.length > messagesMax)
      throw new MalformedFile('too many messages');
  }
  return messages;
}

async function newMessages(file: Hdf5File, address: number): Promise<Message[]> {
  const head = await file.upTo(address, 40);
  head.skip(5);
  const flags = head.number(1);
  if (flags & 0x20) head.skip(16);
  if (flags & 0x10) head.skip(4);
  const bytes = head.number(2 ** (flags & 3));
  const chunks = [{ address: address + head.at, bytes }];
  const messages: Message[] = [];
  for (const [index, chunk] of chunks.entries()) {
    const block = await file.block(chunk.address, chunk.bytes);
    if (index > 0 && block.signature() !== 'OCHK') throw new MalformedFile('no continuation');
    const end = index > 0 ? 4 : 0;
    while (block.left - end >= 4) {
      const type = block.number(1);
      const size = Math.max(0, block.number(2));
      block.skip(flags & 4 ? 3 : 1);
      if (size > block.left) break;
      const message = { type, block: block.part(size) };
      messages.push(message);
      if (type === continuation) chunks.push(continued(message.block));
    }
    if (chunks.length > 1000 || messages.length > messagesMax)
      throw new MalformedFile('too many messages');
  }
  return messages;
}

function continued(block: Block): { address: number; bytes: number } {
  return { address: block.address(), bytes: block.length() };
}
