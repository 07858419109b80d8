/**
 * Decodes a pickle stream into instructions, as CPython's C unpickler reads it. Literals above a
 * limit become spans that are passed over. Frames are checked as the Python unpickler checks them,
 * and where the two disagree the decoder tells it.
 */
import type { Cursor } from '../cursor.ts';
import { type Opcode, opcodes } from './opcode.ts';

/** Literals up to this length are kept. */
export const literalBytesMax = 4096;

/** CPython ends a frame when it has reached this size … */
const frameBytesTarget = 65536;
/** … and writes no frame for less than this. */
const frameBytesMin = 4;
const headBytesMax = 64;
const lineBytesMax = 1 << 16;

/** One instruction; the object is used again for the next one. */
export interface Instruction {
  code: number;
  opcode: Opcode;
  /** Offset of the opcode. */
  offset: number;
  /** The argument, when it is a number. */
  number: number;
  /** The literal, or its beginning when it is long. */
  literal: Uint8Array;
  /** Where the literal stands, and its full length. */
  literalOffset: number;
  literalLength: number;
  /** The literal as text, for the opcodes of text whose literal is kept whole. */
  text: string | null;
  /** The second line of GLOBAL and INST. */
  second: Uint8Array;
}

/** Why a stream cannot be read on. */
export type Break =
  | 'unknown opcode'
  | 'ends inside an instruction'
  | 'negative length'
  | 'line too long';

const nothing = new Uint8Array(0);
const stop = opcodes[46] ?? { name: 'STOP', argument: 'none', protocol: 0, text: false };

/** Reads instructions one after the other. */
export class Decoder {
  readonly instruction: Instruction = {
    code: 46,
    opcode: stop,
    offset: 0,
    number: 0,
    literal: nothing,
    literalOffset: 0,
    literalLength: 0,
    text: null,
    second: nothing,
  };
  /** Offsets at which the Python and the C unpickler part. */
  readonly straddles: number[] = [];
  readonly #cursor: Cursor;
  /** Offsets at which the frames are not those of a pickler. */
  readonly oddFrames: number[] = [];
  /** End of the current frame, or -1. */
  #frameEnd = -1;
  #frameBytes = 0;
  /** Bytes outside of frames since the last frame or large literal. */
  #looseBytes = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** Reads the next instruction; returns why it cannot, or null. */
  async next(): Promise<Break | null> {
    const cursor = this.#cursor;
    if (cursor.ready < 16) await cursor.need(16);
    const { instruction } = this;
    instruction.offset = cursor.at;
    if (cursor.ready < 1) return 'ends inside an instruction';
    const code = cursor.u8();
    const opcode = opcodes[code];
    instruction.code = code;
    if (opcode === undefined) return 'unknown opcode';
    instruction.opcode = opcode;
    // Awaiting every argument would cost more than reading it; most opcodes have none.
    const broken = opcode.argument === 'none' ? null : await this.#argument(opcode);
    if (broken === null) this.#checkFrame(opcode);
    return broken;
  }

  /** True when the next instruction can be had without waiting. */
  get ready(): boolean {
    return this.#cursor.ready >= 16;
  }

  /** As `next`, for opcodes without arguments and short fixed ones only; false when it is not. */
  quick(): boolean {
    const cursor = this.#cursor;
    const code = cursor.peek();
    const opcode = opcodes[code];
    if (opcode === undefined) return false;
    const { instruction } = this;
    switch (opcode.argument) {
      case 'none':
        instruction.offset = cursor.at;
        cursor.skip(1);
        break;
      case 'u1':
        instruction.offset = cursor.at;
        cursor.skip(1);
        instruction.number = cursor.u8();
        break;
      case 'u2':
        instruction.offset = cursor.at;
        cursor.skip(1);
        instruction.number = cursor.u16();
        break;
      case 'u4':
      case 'i4':
        instruction.offset = cursor.at;
        cursor.skip(1);
        instruction.number = opcode.argument === 'i4' ? cursor.i32() : cursor.u32();
        break;
      case 'f8':
        instruction.offset = cursor.at;
        cursor.skip(9);
        break;
      case 'counted1': {
        const length = cursor.peek(1);
        if (cursor.ready < 2 + length) return false;
        instruction.offset = cursor.at;
        cursor.skip(2);
        instruction.literalOffset = cursor.at;
        instruction.literalLength = length;
        this.#take(opcode, length);
        break;
      }
      default:
        return false;
    }
    instruction.code = code;
    instruction.opcode = opcode;
    this.#checkFrame(opcode);
    return true;
  }

  async #argument(opcode: Opcode): Promise<Break | null> {
    const cursor = this.#cursor;
    this.instruction.text = null;
    switch (opcode.argument) {
      case 'u1':
        return this.#fixed(1, () => cursor.u8());
      case 'u2':
        return this.#fixed(2, () => cursor.u16());
      case 'i4':
        return this.#fixed(4, () => cursor.i32());
      case 'u4':
        return this.#fixed(4, () => cursor.u32());
      case 'u8':
        return this.#fixed(8, () => cursor.u64()) ?? this.#startFrame();
      case 'f8':
        return this.#fixed(8, () => cursor.u64());
      case 'line':
        return this.#line('literal', true);
      case 'lines':
        return (await this.#line('literal')) ?? (await this.#line('second'));
      case 'counted1':
        return this.#fixed(1, () => cursor.u8()) ?? (await this.#literal(opcode));
      case 'counted4':
        return this.#fixed(4, () => cursor.u32()) ?? (await this.#literal(opcode));
      case 'counted4signed':
        return this.#fixed(4, () => cursor.i32()) ?? (await this.#literal(opcode));
      case 'counted8':
        return this.#fixed(8, () => cursor.u64()) ?? (await this.#literal(opcode));
      default:
        return null;
    }
  }

  #fixed(length: number, read: () => number): Break | null {
    if (this.#cursor.ready < length) return 'ends inside an instruction';
    this.instruction.number = read();
    return null;
  }

  async #literal(opcode: Opcode): Promise<Break | null> {
    const { instruction } = this;
    const cursor = this.#cursor;
    const length = instruction.number;
    if (length < 0) return 'negative length';
    if (length > cursor.left) return 'ends inside an instruction';
    const kept = length <= literalBytesMax ? length : headBytesMax;
    if ((await cursor.need(kept)) < kept) return 'ends inside an instruction';
    instruction.literalOffset = cursor.at;
    instruction.literalLength = length;
    this.#take(opcode, kept);
    cursor.skip(length - kept);
    return null;
  }

  /** Texts are by far the most common literals; they are decoded without a copy. */
  #take(opcode: Opcode, length: number): void {
    const { instruction } = this;
    const isText = opcode.text && length === instruction.literalLength;
    instruction.text = isText ? this.#cursor.text(length) : null;
    instruction.literal = isText ? nothing : this.#cursor.bytes(length);
  }

  async #line(into: 'literal' | 'second', long = false): Promise<Break | null> {
    const { instruction } = this;
    const cursor = this.#cursor;
    let length = cursor.lineLength(lineBytesMax);
    if (length < 0) {
      await cursor.need(lineBytesMax);
      length = cursor.lineLength(lineBytesMax);
    }
    if (length < 0 && cursor.left <= lineBytesMax) return 'ends inside an instruction';
    if (length < 0) return long ? this.#longLine() : 'line too long';
    if (into === 'literal') {
      instruction.literalOffset = cursor.at;
      instruction.literalLength = length;
    }
    instruction[into] = cursor.bytes(length);
    cursor.skip(1);
    return null;
  }

  /** A line that is longer than the window: only its beginning is kept. */
  async #longLine(): Promise<Break | null> {
    const { instruction } = this;
    const cursor = this.#cursor;
    instruction.literalOffset = cursor.at;
    instruction.literal = cursor.bytes(headBytesMax);
    for (;;) {
      const available = await cursor.need(lineBytesMax);
      if (available === 0) return 'ends inside an instruction';
      const length = cursor.lineLength(available);
      if (length >= 0) {
        instruction.literalLength = cursor.at + length - instruction.literalOffset;
        cursor.skip(length + 1);
        return null;
      }
      cursor.skip(available);
    }
  }

  #startFrame(): null {
    const cursor = this.#cursor;
    const { offset, number } = this.instruction;
    // C only looks whether the frame fits the file; Python takes what there is, and refuses a
    // frame that begins inside another.
    const inside = offset < this.#frameEnd && cursor.at !== this.#frameEnd;
    if (inside || number > cursor.left) this.#straddle(offset);
    if (number < frameBytesMin || this.#looseBytes >= frameBytesMin) this.#odd(offset);
    this.#looseBytes = 0;
    this.#frameBytes = number;
    this.#frameEnd = Math.min(cursor.size, cursor.at + number);
    return null;
  }

  /** Bytes were read behind the decoder's back, for which a pickler ends its frame. */
  raw(): void {
    this.#frameEnd = -1;
    this.#looseBytes = 0;
  }

  #checkFrame(opcode: Opcode): void {
    if (opcode.argument === 'u8') return;
    const { at } = this.#cursor;
    const { offset, literalLength } = this.instruction;
    if (at <= this.#frameEnd) return;
    const large = opcode.argument.startsWith('counted') && literalLength >= frameBytesTarget;
    if (this.#frameEnd >= 0) {
      if (offset < this.#frameEnd) this.#straddle(offset);
      // A pickler only ends a frame that is full, before a large literal, or with the stream.
      else if (this.#frameBytes < frameBytesTarget && !large) this.#odd(offset);
      this.#frameEnd = -1;
    }
    if (large) this.#looseBytes = 0;
    else if (opcode.name !== 'PROTO') this.#looseBytes += at - offset;
  }

  #odd(offset: number): void {
    if (this.oddFrames.length < 16) this.oddFrames.push(offset);
  }

  #straddle(offset: number): void {
    if (this.straddles.length < 16) this.straddles.push(offset);
  }
}
