import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Datatype } from '../../src/gateway/datatypes.ts';
import {
  echo,
  halfClassifier,
  mixed,
  reciprocal,
  type TypeName,
  treePipeline,
  withInsides,
} from './models.ts';
import { binaryBody, openSeat, readAnswer, type TestSeat } from './seat.ts';

/** Two values of each type, in JSON and in bytes. */
const samples: Readonly<Record<Datatype, readonly [json: readonly unknown[], hex: string]>> = {
  BOOL: [[true, false], '0100'],
  UINT8: [[0, 255], '00ff'],
  UINT16: [[1, 65_535], '0100ffff'],
  UINT32: [[1, 4_294_967_295], '01000000ffffffff'],
  UINT64: [[1, 2 ** 53 - 1], '0100000000000000ffffffffffff1f00'],
  INT8: [[-128, 127], '807f'],
  INT16: [[-2, 32_767], 'feffff7f'],
  INT32: [[-2, 2_147_483_647], 'feffffffffffff7f'],
  INT64: [[-2, 3], 'feffffffffffffff0300000000000000'],
  FP16: [[1.5, -65_504], '003efffb'],
  BF16: [[1.5, -3], 'c03f40c0'],
  FP32: [[0.1, -2.5], 'cdcccc3d000020c0'],
  FP64: [[0.1, 1e300], '9a9999999999b93f9c7500883ce4377e'],
  BYTES: [['é', ''], '02000000c3a900000000'],
};
const types = Object.keys(samples) as TypeName[];

describe('every data type', () => {
  let seat: TestSeat;
  beforeAll(async () => {
    seat = await openSeat(echo(types));
  }, 60_000);
  afterAll(() => seat.close());

  const tensor = (type: Datatype) => ({ name: type.toLowerCase(), datatype: type, shape: [1, 2] });
  const asBytes = (type: Datatype) => Buffer.from(samples[type][1], 'hex');
  const inJson = types.map((type) => ({ ...tensor(type), data: samples[type][0] }));
  const inBytes = types.map((type) => {
    const binary_data_size = asBytes(type).length;
    return { ...tensor(type), parameters: { binary_data_size } };
  });
  const ask = (binaryIn: boolean, more: object) =>
    binaryIn
      ? seat.infer(...binaryBody({ inputs: inBytes, ...more }, ...types.map(asBytes)))
      : seat.infer(JSON.stringify({ inputs: inJson, ...more }));

  it('is told by the metadata', async () => {
    const told = (await (await seat.fetch('/v2/models/m')).json()) as Record<string, unknown>;
    expect(told).toEqual({
      ...{ name: 'm', versions: ['1'], platform: 'onnxruntime_onnx' },
      inputs: types.map((type) => ({ ...tensor(type), shape: [-1, 2] })),
      outputs: types.map((type) => ({ name: type, datatype: type, shape: [-1, 2] })),
    });
  });
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('comes back as it was sent (bytes in: %s, bytes out: %s)', async (binaryIn, binaryOut) => {
    const parameters = { binary_data_output: binaryOut };
    const { status, json, tails, left } = await readAnswer(await ask(binaryIn, { parameters }));
    expect([status, json.error, left]).toEqual([200, undefined, 0]);
    const outputs = json.outputs ?? [];
    expect(outputs.map(({ datatype }) => datatype)).toEqual(types);
    for (const [i, type] of types.entries()) {
      const output = outputs[i];
      expect(output?.shape).toEqual([1, 2]);
      if (binaryOut) expect([type, tails[i]?.toString('hex')]).toEqual([type, samples[type][1]]);
      else expect([type, output?.data]).toEqual([type, samples[type][0]]);
    }
  });
  it('is chosen output by output, in the order that is asked for', async () => {
    const outputs = [
      { name: 'FP16', parameters: { binary_data: true } },
      { name: 'BYTES', parameters: { binary_data: false } },
      { name: 'BOOL' },
    ];
    const parameters = { binary_data_output: true };
    const { json, tails } = await readAnswer(await ask(true, { outputs, parameters, id: 'q-1' }));
    expect(json.id).toBe('q-1');
    expect(json.outputs).toEqual([
      { name: 'FP16', datatype: 'FP16', shape: [1, 2], parameters: { binary_data_size: 4 } },
      { name: 'BYTES', datatype: 'BYTES', shape: [1, 2], data: ['é', ''] },
      { name: 'BOOL', datatype: 'BOOL', shape: [1, 2], parameters: { binary_data_size: 2 } },
    ]);
    expect(tails[0]?.toString('hex')).toBe('003efffb');
  });
  it.each(['gzip', 'deflate'])('comes in %s', async (how) => {
    const body = JSON.stringify({ inputs: inJson });
    const packed = new Uint8Array(how === 'gzip' ? gzipSync(body) : deflateSync(body));
    const { status, json } = await readAnswer(
      await seat.infer(packed, { 'content-encoding': how }),
    );
    expect([status, json.outputs?.length]).toEqual([200, types.length]);
  });
  it('keeps digits that doubles lose, in and out', async () => {
    const inputs = inJson.map((given) => {
      if (given.name === 'int64') return { ...given, data: ['MIN', 'MORE'] };
      return given.name === 'uint64' ? { ...given, data: ['MAX', 0] } : given;
    });
    const body = JSON.stringify({ inputs, outputs: [{ name: 'INT64' }, { name: 'UINT64' }] })
      .replace('"MIN"', '-9223372036854775808')
      .replace('"MORE"', '9007199254740993')
      .replace('"MAX"', '18446744073709551615');
    const text = await (await seat.infer(body)).text();
    expect(text).toContain('[-9223372036854775808,9007199254740993]');
    expect(text).toContain('[18446744073709551615,0]');
  });
  it('takes nested lists', async () => {
    const inputs = inJson.map((given) => ({ ...given, data: [given.data] }));
    const { status } = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
    expect(status).toBe(200);
  });
  it('refuses each by its own rules', async () => {
    const refusals: [Datatype, unknown, string][] = [
      ['BOOL', 2, 'is not true or false'],
      ['UINT8', -1, 'is not a whole number of UINT8'],
      ['INT8', 128, 'is not a whole number of INT8'],
      ['INT32', 1.5, 'is not a whole number of INT32'],
      ['UINT32', '1', 'is not a whole number of UINT32'],
      ['INT64', 1e300, 'is beyond 2^53, where JSON loses digits: send it as bytes'],
      ['FP16', 65_536, 'is not a finite number in FP16'],
      ['BF16', 3.4e38, 'is not a finite number in BF16'],
      ['FP32', 1e39, 'is not a finite number'],
      ['FP64', null, 'is not a finite number'],
      ['BYTES', 7, 'is not a text'],
      ['BYTES', 'a\0b', 'holds a null character'],
    ];
    for (const [type, value, why] of refusals) {
      const inputs = inJson.map((given) => {
        return given.datatype === type ? { ...given, data: [given.data[0], value] } : given;
      });
      const { status, json } = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
      expect([status, json.error]).toEqual([422, `"${type.toLowerCase()}" element 1 ${why}`]);
    }
    const bytes: [Datatype, string, number, string][] = [
      ['BOOL', '0102', 422, '"bool" element 1 is not 0 or 1'],
      ['FP32', '0000807f0000c07f', 422, '"fp32" element 0 is not a finite number'],
      ['FP16', '0000007c', 422, '"fp16" element 1 is not a finite number in FP16'],
      ['FP64', '00', 400, '"fp64" expected 16 bytes of FP64, got 1'],
      ['BYTES', '01000000ff00000000', 422, '"bytes" element 0 is not UTF-8'],
      ['BYTES', '0100000061', 400, '"bytes" expected 2 texts, got 1'],
      ['BYTES', 'ffffffff61', 400, 'text 0 of "bytes" is cut off'],
      ['BYTES', '00000000000000000000', 400, '"bytes" expected 2 texts, got 2 and 2 bytes more'],
    ];
    for (const [type, hex, wanted, why] of bytes) {
      const tail = Buffer.from(hex, 'hex');
      const inputs = inJson.map(({ data, ...given }) =>
        given.datatype === type
          ? { ...given, parameters: { binary_data_size: tail.length } }
          : { ...given, data },
      );
      const { status, json } = await readAnswer(await seat.infer(...binaryBody({ inputs }, tail)));
      expect([type, status, json.error]).toEqual([type, wanted, why]);
    }
    expect(seat.faults).toEqual([]);
  });
});

describe('models of other kinds', () => {
  it('take several inputs and give several outputs, rounded where they are floats', async () => {
    const seat = await openSeat(mixed(), { guards: { output: { decimals: 1 } } });
    try {
      const inputs = [
        { name: 'note', datatype: 'BYTES', shape: [2], data: ['a', 'b'] },
        { name: 'a', datatype: 'FP32', shape: [2, 2], data: [0.26, 1, 2, 3] },
        { name: 'count', datatype: 'INT64', shape: [2, 2], data: [0, 1, 2, 4] },
      ];
      const { json } = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
      expect(json.outputs?.map(({ data }) => data)).toEqual([
        [0.3, 2, 4, 7],
        ['a', 'b'],
        [true, false, false, false],
      ]);
    } finally {
      await seat.close();
    }
  });
  it('of trees tell the names of classes, and scores for what were maps', async () => {
    const seat = await openSeat(treePipeline(), { guards: { output: { labelOnly: true } } });
    try {
      const metadata = await (await seat.fetch('/v2/models/m')).json();
      expect(metadata).toMatchObject({
        outputs: [
          { name: 'output_label', datatype: 'BYTES', shape: [-1] },
          {
            ...{ name: 'output_probability', datatype: 'FP32', shape: [-1, 3] },
            parameters: { labels: ['low', 'high', 'never'] },
          },
        ],
      });
      const rows = Array.from({ length: 300 }, (_, i) => [i % 2, 0]).flat();
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [300, 2], data: rows }];
      const { json } = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
      const [label, shares] = json.outputs ?? [];
      expect(label?.data?.slice(0, 3)).toEqual(['low', 'high', 'low']);
      expect(shares?.data?.slice(0, 6)).toEqual([1, 0, 0, 0, 1, 0]);
      expect([label?.shape, shares?.shape]).toEqual([[300], [300, 3]]);
    } finally {
      await seat.close();
    }
  });
  it('of real trees with maps of numbers are classifiers', async () => {
    const folder = new URL('../../../../vectors/tree/', import.meta.url);
    const seat = await openSeat(readFileSync(new URL('rf-multi.wine.onnx', folder)));
    try {
      expect(seat.model).toMatchObject({ isClassifier: true, rowShape: [13] });
      expect(seat.model.outputs[1]?.labels).toEqual(['0', '1', '2']);
    } finally {
      await seat.close();
    }
  });
  it('of half precision are classifiers that take and give it', async () => {
    const seat = await openSeat(halfClassifier(), { guards: { output: { decimals: 2 } } });
    try {
      expect(seat.model).toMatchObject({
        isClassifier: true,
        inputs: [{ name: 'x', datatype: 'FP16' }],
        outputs: [{ name: 'label' }, { name: 'scores', datatype: 'FP16' }],
      });
      const data = [1, 2];
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data }];
      const { json } = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
      expect(json.outputs?.map((output) => output.data)).toEqual([[1], [0.27, 0.73]]);
    } finally {
      await seat.close();
    }
  });
  it('tell infinite outputs as bytes alone', async () => {
    const seat = await openSeat(reciprocal());
    try {
      const inputs = [{ name: 'x', datatype: 'FP64', shape: [1, 2], data: [0, 2] }];
      const refused = await readAnswer(await seat.infer(JSON.stringify({ inputs })));
      expect([refused.status, refused.json.error]).toEqual([
        422,
        '"y" element 0 cannot be told in JSON',
      ]);
      const parameters = { binary_data_output: true };
      const { tails } = await readAnswer(await seat.infer(JSON.stringify({ inputs, parameters })));
      expect(tails[0]?.readDoubleLE(0)).toBe(Number.POSITIVE_INFINITY);
    } finally {
      await seat.close();
    }
  });
  it.each([
    [{ output: { topK: 1 } }, 'output.topK', 'the model tells more, or other things'],
    [{ output: { labelOnly: true } }, 'output.labelOnly', 'the model tells more'],
    [{ input: { rounding: { steps: [1] } } }, 'input.rounding', 'made for 1 features'],
  ])('refuse %j', async (guards, guard, why) => {
    const opened = openSeat(withInsides(), { guards });
    await expect(opened).rejects.toThrow(`the guard "${guard}" cannot work here: `);
    await expect(opened).rejects.toThrow(why);
  });
  it('refuse guards of rows when there are several inputs', async () => {
    const opened = openSeat(mixed(), { guards: { input: { noise: { sigma: 0.1 } } } });
    await expect(opened).rejects.toThrow('the model does not take rows of one input of floats');
  });
});
