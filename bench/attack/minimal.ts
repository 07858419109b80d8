/**
 * Least changes beside foolbox's: medians over the first 200 test images, on the same networks.
 * Foolbox's side is recorded in vectors/attack/minimal.json; make_minimal.py there runs it anew.
 *
 *   node bench/attack/minimal.ts [--attacks ddn,fmn,deepfool,cw] [--samples 200]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Batch,
  bounds,
  carliniWagner,
  type DifferentiableClassifier,
  ddn,
  deepFool,
  differentiable,
  distance,
  fmn,
  gradientsOfModel,
  l2,
} from '@merlon/attack';
import { openSession, readDataset, readOnnx, readSchema, slice } from '@merlon/graph';

const { values } = parseArgs({
  options: {
    attacks: { type: 'string', default: 'ddn,fmn,deepfool,cw' },
    samples: { type: 'string', default: '200' },
  },
});
const root = new URL('../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));

interface Recorded {
  readonly cases: readonly {
    readonly model: string;
    readonly norm: string;
    readonly attack: string;
    readonly distances: readonly (number | null)[];
  }[];
}

const unit = bounds(0, 1);
const attacks: Readonly<
  Record<string, (model: DifferentiableClassifier, batch: Batch) => Promise<Float32Array>>
> = {
  ddn: (model, batch) => ddn(model, batch, { bounds: unit }),
  fmn: (model, batch) => fmn(model, batch, { norm: 'l2', bounds: unit }),
  deepfool: (model, batch) => deepFool(model, batch, { norm: 'l2', bounds: unit }),
  cw: (model, batch) => carliniWagner(model, batch, { bounds: unit }),
};

function median(found: readonly number[]): number {
  const sorted = found.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

const samples = Number(values.samples);
const recorded = JSON.parse(new TextDecoder().decode(file('vectors/attack/minimal.json')));
const schema = readSchema(file('models/digits-cnn.schema.json'));
const all = readDataset(file('data/mnist-test.npz'), { name: 'mnist-test.npz', schema });
const data = slice(all, 0, samples);
const size = data.x.length / samples;
for (const path of ['models/digits-cnn.onnx', 'vectors/attack/robust-digits.onnx']) {
  const bytes = file(path);
  const session = await openSession(bytes, { threads: 2 });
  const gradient = await gradientsOfModel(readOnnx(bytes), { threads: 2 });
  const model = differentiable(session, gradient);
  const answers = await model.predict(data.x);
  const rows = [...data.labels.keys()].filter((row) => answers[row] === data.labels[row]);
  const row = (x: Float32Array, at: number): Float32Array => x.subarray(at * size, (at + 1) * size);
  const batch = {
    x: Float32Array.from(rows.flatMap((at) => [...row(data.x, at)])),
    labels: Int32Array.from(rows, (at) => data.labels[at] ?? 0),
  };
  const theirs = (recorded as Recorded).cases
    .filter((each) => each.model === path && each.norm === 'l2')
    .map(({ attack, distances }) => {
      const own = rows.map((at) => distances[at] ?? Number.POSITIVE_INFINITY);
      return { attack, median: median(own) };
    });
  const best = Math.min(...theirs.map((each) => each.median));
  for (const each of theirs) {
    console.log(`${path}  foolbox ${each.attack}  median L2 ${each.median.toFixed(4)}`);
  }
  for (const name of values.attacks.split(',')) {
    const started = performance.now();
    const found = await attacks[name]?.(model, batch);
    if (found === undefined) throw new Error(`"${name}" is none of ${Object.keys(attacks)}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const wrong = await model.predict(found);
    const lengths = rows.map((_, at) =>
      wrong[at] === batch.labels[at]
        ? Number.POSITIVE_INFINITY
        : distance(l2(1).norm, row(batch.x, at), row(found, at)),
    );
    const own = median(lengths);
    const broken = lengths.filter(Number.isFinite).length;
    const beside = `${(own / best).toFixed(4)} of the best`;
    console.log(
      `${path}  merlon ${name}  median L2 ${own.toFixed(4)}  ${beside}  ${broken} of ${rows.length} turned  ${seconds} s`,
    );
  }
  await gradient.close();
  await session.close();
}
