/**
 * AUROC of the outlier scores on models/digits-cnn.onnx: test pictures against changed pictures,
 * with the input rows and with the last hidden layer as the model's representation, and detection
 * of membership probing. Profiles are learnt from the training part.
 *
 *   node bench/monitor/outliers.ts
 */
import { readFileSync } from 'node:fs';
import { bounds, differentiable, fgsm, gradientsOfModel, linf, pgd } from '@merlon/attack';
import { type Random, seeded } from '@merlon/core';
import { openSession, readOnnx, writeOnnx } from '@merlon/graph';
import {
  auroc,
  learnMembership,
  learnOutlier,
  membershipDetector,
  outlierScore,
} from '@merlon/monitor';
import { benignSession, openDigits, type Rows, rowAt } from './sessions.ts';
import { answered } from './theft.ts';

const digits = await openDigits();
const { test, train } = digits;
const bytes = new Uint8Array(
  readFileSync(new URL('../../models/digits-cnn.onnx', import.meta.url)),
);

/** The same model with the input of its last layer as its only output. */
const onnx = readOnnx(bytes);
const last = onnx.graph.nodes.at(-1);
const hidden = last?.inputs[0] ?? '';
const [output] = onnx.graph.outputs;
if (output === undefined) throw new Error('the model has no output');
const cut = { ...onnx, graph: { ...onnx.graph, outputs: [{ ...output, name: hidden }] } };
const inner = await openSession(writeOnnx(cut), { optimize: false });
const representation = async (x: Float32Array): Promise<Float32Array> => {
  const rows = x.length / test.features;
  const feeds = { image: { type: 'float32' as const, shape: [rows, 1, 28, 28], data: x } };
  const data = (await inner.run(feeds, [hidden]))[hidden]?.data;
  if (!(data instanceof Float32Array)) throw new Error('the hidden layer is not float32');
  return data;
};

const count = 1000;
const clean = test.x.slice(0, count * test.features);
const each = (change: (row: Float32Array, random: Random) => Float32Array): Float32Array => {
  const random = seeded(3);
  const out = new Float32Array(clean.length);
  for (let at = 0; at < count; at++) out.set(change(rowAt(test, at), random), at * test.features);
  return out;
};
const session = await openSession(bytes);
const model = differentiable(session, await gradientsOfModel(onnx));
const batch = { x: clean, labels: test.truth.slice(0, count) };
const attack = { bounds: bounds(0, 1), random: seeded(1) };
const changed: Record<string, Float32Array> = {
  'uniform noise': each((row, random) => row.map(() => random.uniform())),
  inverted: each((row) => row.map((value) => 1 - value)),
  'turned by 90°': each((row) =>
    row.map((_, i) => row[(i % 28) * 28 + 27 - Math.floor(i / 28)] ?? 0),
  ),
  'noise 0.1': each((row, random) => row.map((value) => value + 0.1 * random.normal())),
  'FGSM 0.1': await fgsm(model, batch, { ...attack, budget: linf(0.1) }),
  'PGD 0.1': (await pgd(model, batch, { ...attack, budget: linf(0.1), steps: 20 })).x,
};

const kinds = [
  { name: 'rows', of: async (x: Float32Array) => x, represented: false },
  { name: 'last hidden layer', of: representation, represented: true },
];
console.log(
  '| changed | ' +
    kinds.map(({ name }) => `${name}: Mahalanobis, 5th neighbour`).join(' | ') +
    ' |',
);
console.log('|---|---|---|');
const table = new Map<string, string[]>();
for (const { of, represented } of kinds) {
  const x = await of(train.x);
  const features = x.length / train.labels.length;
  const rows = { x, features, labels: train.labels };
  const score = outlierScore(learnOutlier(rows, { seed: 5, represented, dimensions: 128 }));
  const scores = async (from: Float32Array) => {
    const labels = await digits.model.predict(from);
    const own = await of(from);
    return [...labels].flatMap((label, at) => {
      const found = score(own.subarray(at * features, (at + 1) * features), label);
      return found === null ? [] : [found];
    });
  };
  const usual = await scores(clean);
  for (const [name, from] of Object.entries(changed)) {
    const odd = await scores(from);
    const area = (kind: 'mahalanobis' | 'neighbour'): string =>
      auroc(
        usual.map((found) => found[kind]),
        odd.map((found) => found[kind]),
      ).toFixed(3);
    const line = table.get(name) ?? [];
    table.set(name, [...line, `${area('mahalanobis')}, ${area('neighbour')}`]);
  }
}
for (const [name, line] of table) console.log(`| ${name} | ${line.join(' | ')} |`);

/** Half of the test part calibrates, the other half plays honest clients. */
const half = (from: number, to: number): Rows => ({
  x: test.x.subarray(from * test.features, to * test.features),
  features: test.features,
  labels: test.labels.slice(from, to),
  truth: test.truth.slice(from, to),
});
const [calibration, honest] = [half(0, 1000), half(1000, 2000)];
const profile = learnMembership(train, calibration, { seed: 5 });
const alarmAt = async (rows: Float32Array[]): Promise<number> => {
  const detector = membershipDetector({ profile });
  const queries = await answered(digits.model, rows);
  const at = queries.findIndex(
    (query) => detector.observe({ atMs: 0, key: 'k', ...query }) !== null,
  );
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1;
};
const probes = (size: number, random: Random, share: number): Float32Array[] =>
  Array.from({ length: 300 }, (_, i) => {
    const from = share > 0 && i % share === 0 ? train : honest;
    const row = rowAt(from, random.integer(from.labels.length));
    return row.map((value) => value + size * random.normal());
  });
const sessions = Array.from({ length: 40 }, (_, i) => seeded(40 + i));
for (const [size, share] of [
  [0, 1],
  [0.05, 1],
  [0.1, 1],
  [0, 4],
  [0.05, 4],
  // None at all: what honest pictures with as much noise do.
  [0.05, 0],
  [0.1, 0],
] as const) {
  const found: number[] = [];
  for (const random of sessions) {
    const at = await alarmAt(probes(size, random, share));
    if (Number.isFinite(at)) found.push(at);
  }
  const median = found.sort((a, b) => a - b)[found.length >> 1] ?? '–';
  const what = `membership probing, noise ${size}, one query in ${share}`;
  console.log(`${what}: ${found.length} of 40 found, median query ${median}`);
}
let wrong = 0;
for (const [i, random] of sessions.entries()) {
  const classes = [1, 2, 4, 10][i % 4] ?? 10;
  const rows = benignSession(honest, random, { classes, queries: 500 }).map(({ row }) => row);
  if (Number.isFinite(await alarmAt(rows))) wrong++;
}
console.log(`honest sessions of other test rows that raised an alarm: ${wrong} of 40`);
await digits.close();
