/**
 * Tries every ONNX file of a folder: loads it, differentiates it, and compares the gradient with
 * central differences along random directions. A line a file and output: what came of it, or why
 * it was refused.
 *
 *   node scripts/try_models.ts FOLDER [NAME=1,3,224,224 …]
 *
 * NAME is part of a file's name; its sizes take the place of those that the model leaves open.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MerlonError, seeded } from '@merlon/core';
import {
  elementCount,
  type GradientModel,
  gradientModel,
  type OnnxModel,
  openSession,
  readOnnx,
  type Session,
  type Tensor,
  writeOnnx,
} from '@merlon/graph';

const directions = 3;

function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => {
      if (statSync(path).isDirectory()) return filesOf(path);
      return path.endsWith('.onnx') ? [path] : [];
    })
    .sort();
}

/** The error of slopes along random directions, relative to the slopes; both in float32. */
async function worstSlope(session: Session, input: string, shape: readonly number[]) {
  const random = seeded(7);
  const count = elementCount(shape);
  const at = Float32Array.from({ length: count }, () => random.normal() / 2 + 0.3);
  const rows = shape[0] ?? 1;
  const labels: Tensor = { type: 'int64', shape: [rows], data: new BigInt64Array(rows) };
  const run = async (data: Float32Array, wanted: string): Promise<Float32Array> => {
    const feeds = { [input]: { type: 'float32', shape, data } as const, merlon_labels: labels };
    const out = await session.run(feeds, [wanted]);
    return Float32Array.from((out[wanted]?.data ?? []) as Float32Array);
  };
  const loss = async (data: Float32Array): Promise<number> =>
    (await run(data, 'merlon_loss')).reduce((sum, value) => sum + value, 0);
  const gradient = await run(at, 'merlon_gradient');
  const size = Math.hypot(...sample(gradient)) || 1;
  let worst = 0;
  for (let i = 0; i < directions; i++) {
    // Half of the direction is the gradient itself, lest slopes drown in rounding.
    const way = gradient.map((value) => value / size + random.normal() / Math.sqrt(count));
    const slope = way.reduce((sum, value, k) => sum + value * (gradient[k] ?? 0), 0);
    const errors = [];
    for (const step of [3e-1, 1e-1, 3e-2, 1e-2, 3e-3]) {
      const [up, down] = [1, -1].map((sign) => at.map((v, k) => v + sign * step * (way[k] ?? 0)));
      if (up === undefined || down === undefined) continue;
      const found = ((await loss(up)) - (await loss(down))) / (2 * step);
      errors.push(Math.abs(found - slope) / Math.max(Math.abs(slope), 1e-6));
    }
    worst = Math.max(worst, Math.min(...errors));
  }
  return { worst, size };
}

/** Lengths of long lists overflow the stack of a call; a stride tells enough. */
function sample(values: Float32Array): number[] {
  const step = Math.max(1, Math.floor(values.length / 10_000));
  return Array.from({ length: Math.floor(values.length / step) }, (_, i) => values[i * step] ?? 0);
}

function told(gradient: GradientModel): string {
  const kinds = gradient.approximations.map(({ kind, operator }) => `${operator} ${kind}`);
  return kinds.length === 0 ? '' : ` (${[...new Set(kinds)].join(', ')})`;
}

async function tryOutput(
  model: OnnxModel,
  of: { readonly output: string; readonly shape: readonly number[] | undefined },
): Promise<string> {
  const { output, shape } = of;
  const started = performance.now();
  const gradient = await gradientModel(model, { output, ...(shape !== undefined && { shape }) });
  const made = Math.round(performance.now() - started);
  const session = await openSession(writeOnnx(gradient.model), { threads: 2 });
  const [input] = session.inputs;
  if (input === undefined) return 'no input';
  const sizes = input.shape.map((size) => (size > 0 ? size : 1));
  const { worst, size } = await worstSlope(session, input.name, sizes);
  await session.close();
  const counts = `${model.graph.nodes.length} → ${gradient.model.graph.nodes.length} nodes`;
  const errors = `error ${worst.toExponential(1)}, |g| ${size.toExponential(1)}`;
  return `ok, ${errors}, ${counts}, ${made} ms${told(gradient)}`;
}

async function tryFile(path: string, shapes: ReadonlyMap<string, readonly number[]>) {
  const name = basename(path, '.onnx');
  const shape = [...shapes].find(([part]) => path.includes(part))?.[1];
  try {
    const model = readOnnx(readFileSync(path));
    for (const { name: output } of model.graph.outputs) {
      const result = await tryOutput(model, { output, shape }).catch(reasonOf);
      console.log(`${name} "${output}": ${result}`);
    }
  } catch (error) {
    console.log(`${name}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MerlonError) return `refused (${error.code}): ${error.message}`;
  throw error;
}

const [folder, ...sizes] = process.argv.slice(2);
if (folder === undefined) throw new Error('expected a folder of ONNX files');
const shapes = new Map(
  sizes.map((each): [string, readonly number[]] => {
    const [name = '', list = ''] = each.split('=');
    return [name, list.split(',').map(Number)];
  }),
);
for (const path of filesOf(folder)) await tryFile(path, shapes);
