/** Pictures as Pillow reads them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type LabeledPicture, readPictures, readSchema } from '../../src/index.ts';

const folder = new URL('../../../../vectors/data/pictures/', import.meta.url);
const picture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const expected = JSON.parse(new TextDecoder().decode(picture('expected.json'))) as Readonly<
  Record<string, { shape: number[]; values: number[] }>
>;

async function* listed(...names: string[]): AsyncGenerator<LabeledPicture> {
  for (const [i, name] of names.entries()) yield { name, label: i, bytes: picture(name) };
}

async function* one(bytes: Uint8Array): AsyncGenerator<LabeledPicture> {
  yield { name: 'a/b.png', label: 0, bytes };
}

const named = (count: number) => ({ classes: Array.from({ length: count }, (_, i) => `c${i}`) });

describe('pictures by class', () => {
  it.each(Object.entries(expected))('%s', async (name, { shape, values }) => {
    const set = await readPictures(listed(name), named(1));
    expect(set.shape).toEqual([1, ...shape]);
    // Decoders of JPEG may differ by rounding.
    const most = name.endsWith('.jpg') ? 3 / 255 : 1e-4;
    const apart = values.map((value, i) => Math.abs(value - (set.x[i] ?? Number.NaN)));
    expect(Math.max(...apart)).toBeLessThan(most);
  });
  it('grey ones count as colours beside coloured ones, in the order given', async () => {
    const set = await readPictures(listed('grey.png', 'colour.png', 'palette.png'), named(3));
    expect(set.shape).toEqual([3, 3, 6, 9]);
    expect([...set.labels]).toEqual([0, 1, 2]);
    expect([...set.x.subarray(0, 54)]).toEqual([...set.x.subarray(54, 108)]);
  });
  it('a schema tells channels and classes', async () => {
    const schema = (shape: number[], classes: string[]) =>
      readSchema(JSON.stringify({ input: { shape, min: 0, max: 1 }, label: { classes } }));
    const grey = { schema: schema([3, 6, 9], ['c0']), ...named(1) };
    expect((await readPictures(listed('grey.png'), grey)).shape).toEqual([1, 3, 6, 9]);
    const other = { schema: schema([1, 28, 28], ['c0']), ...named(1) };
    await expect(readPictures(listed('grey.png'), other)).rejects.toThrow('expected [1, 28, 28]');
    const names = { schema: schema([1, 6, 9], ['cat']), ...named(1) };
    await expect(readPictures(listed('grey.png'), names)).rejects.toThrow(
      'the classes cat, got c0',
    );
    const plain = { schema: schema([1, 6, 9], ['c0']), ...named(1) };
    await expect(readPictures(listed('colour.png'), plain)).rejects.toThrow('got colours');
  });
  it.each<[string, AsyncIterable<LabeledPicture>, string]>([
    ['none', listed(), 'folder expected pictures, got none'],
    ['two sizes', listed('grey.png', 'grey.jpg'), '"grey.jpg" expected 9 × 6 as "grey.png"'],
    ['something else', one(new TextEncoder().encode('GIF89a')), 'neither PNG nor JPEG'],
    ['a cut PNG', one(picture('colour.png').subarray(0, 60)), 'picture "a/b.png" cannot be read'],
    ['a cut JPEG', one(picture('colour.jpg').subarray(0, 100)), 'picture "a/b.png" cannot be read'],
    ['a huge PNG', one(huge()), 'expected at most 16777216 pixels'],
  ])('%s: refused', async (_, pictures, message) => {
    await expect(readPictures(pictures, named(2))).rejects.toThrow(message);
  });
});

function huge(): Uint8Array {
  const bytes = picture('grey.png').slice();
  new DataView(bytes.buffer).setUint32(16, 100_000);
  new DataView(bytes.buffer).setUint32(20, 100_000);
  return bytes;
}
