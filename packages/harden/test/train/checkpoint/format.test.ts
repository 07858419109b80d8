/** Checkpoints as bytes: what goes in comes out, and nothing broken is taken for sound. */
import { describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  readCheckpoint,
  writeCheckpoint,
} from '../../../src/train/checkpoint/format.ts';

const sample: Checkpoint = {
  settings: 'sha256:00',
  epoch: 2,
  batch: 1,
  seen: 50,
  right: 49,
  gainedEpoch: 1,
  kept: { epoch: 1, robust: 0.1 + 0.2 },
  losses: [1 / 3, 5e-324, 1e300],
  validation: [{ clean: 1 / 7, robust: 0 }],
  arrays: new Map([
    ['weights/a', Float32Array.of(1e-45, -0, 3.4e38)],
    ['weights/empty', new Float32Array(0)],
    ['memory/__proto__', Float32Array.of(7)],
  ]),
  counts: new Map([['adamw', 4]]),
};
const bytes = writeCheckpoint(sample);

/** The sample with its header changed. */
function changed(change: Record<string, unknown>): Uint8Array {
  const length = new DataView(bytes.buffer).getUint32(8, true);
  const header = JSON.parse(Buffer.from(bytes.subarray(12, 12 + length)).toString());
  const head = Buffer.from(JSON.stringify({ ...header, ...change }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  return Buffer.concat([bytes.subarray(0, 8), size, head, bytes.subarray(12 + length)]);
}

describe('checkpoints as bytes', () => {
  it('come back as they were', () => {
    expect(readCheckpoint(bytes)).toEqual(sample);
    expect(readCheckpoint(writeCheckpoint({ ...sample, kept: null })).kept).toBeNull();
    expect(readCheckpoint(changed({}))).toEqual(sample);
  });
  it('are refused at every length but their own', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readCheckpoint(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'bad-checkpoint' }),
      );
    }
    const longer = new Uint8Array([...bytes, 0]);
    expect(() => readCheckpoint(longer)).toThrow(/^expected 40 bytes of arrays, got 41$/);
  });
  it.each([
    [{ epoch: -1 }, '"epoch" expected a whole number'],
    [{ batch: 0.5 }, '"batch" expected a whole number'],
    [{ settings: 3 }, '"settings" expected a digest'],
    [{ kept: {} }, '"kept" expected epoch, robust'],
    [{ arrays: {} }, '"arrays" expected a list'],
    [{ arrays: [['a', -4]] }, '"arrays" expected names and whole numbers'],
    [{ counts: [[1, 1]] }, '"counts" expected names and whole numbers'],
    [{ losses: 4 }, 'expected 48 bytes of arrays, got 40'],
    [{ validation: [[1]] }, '"validation" expected pairs of numbers'],
    [{ validation: 1 }, '"validation" expected a list'],
  ])('are refused with the header changed: %j', (change, message) => {
    expect(() => readCheckpoint(changed(change))).toThrow(
      expect.objectContaining({ code: 'bad-checkpoint', message }),
    );
  });
});
