/**
 * The tree attacks on models of spambase, credit_data and lending_club, one line each: success in
 * ONNX Runtime, median distances, time a row, queries. The models and the peers' lines come from
 * bench/attack/trees.py.
 *
 *     python bench/attack/trees.py make DATA OUT
 *     node --conditions=source bench/attack/trees.ts OUT [PART OF A NAME]
 *     python bench/attack/trees.py peers DATA OUT
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  classifier,
  compileForest,
  constraintsOf,
  distance,
  geoda,
  hopSkipJump,
  l2,
  leafTuple,
  type MeasureName,
  signOpt,
} from '@merlon/attack';
import { seeded } from '@merlon/core';
import {
  type FeatureSchema,
  openSession,
  readOnnx,
  readTrees,
  withoutZipMap,
  writeOnnx,
} from '@merlon/graph';

interface Rows {
  readonly names: readonly string[];
  readonly groups: readonly (readonly string[])[];
  readonly steps: readonly (number | null)[];
  readonly accuracy: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly pool: readonly number[];
  readonly poolY: readonly number[];
}

const bounds = { min: 0, max: 1 };
const queriesMax = 1000;

/** A schema of the scaled columns: whole numbers keep their steps, texts their groups. */
function schemaOf({ names, groups, steps }: Rows) {
  const members = new Set(groups.flat());
  const features = names.map((name, i): FeatureSchema => {
    const common = { name, min: 0, max: 1, mutable: true };
    if (members.has(name)) return { ...common, type: 'integer', step: 1 };
    const step = steps[i];
    return step ? { ...common, type: 'real', step } : { ...common, type: 'real' };
  });
  return { features, relations: [], groups };
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN).toPrecision(3);
}

function tell(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.join(' ')}\n`);
}

/** Prints the line of one attack on one model. */
async function line(
  file: string,
  name: string,
  rows: Rows,
  run: (x: Float32Array, labels: Int32Array) => Promise<Float32Array> | Float32Array,
  judged: { predict(x: Float32Array): Promise<Int32Array>; readonly queries: number },
  count: number,
): Promise<void> {
  const width = rows.names.length;
  const labels = Int32Array.from(rows.y.slice(0, count));
  const x = Float32Array.from(rows.x.slice(0, labels.length * width));
  const before = judged.queries;
  const started = performance.now();
  const found = await run(x, labels);
  const seconds = (performance.now() - started) / 1000 / labels.length;
  const queries = (judged.queries - before) / labels.length;
  const answers = await judged.predict(found);
  const constraints = constraintsOf(schemaOf(rows));
  const won = [...labels.keys()].filter((row) => answers[row] !== labels[row]);
  const pairs = won.map((row) => {
    const own = x.subarray(row * width, (row + 1) * width);
    return [found.subarray(row * width, (row + 1) * width), own] as const;
  });
  const far = constraints.violations;
  const valid = pairs.filter(([a, b]) => far(a, b).length === 0).length;
  const near = pairs.map(([a, b]) => constraints.distance(a, b));
  tell([
    file.padEnd(18),
    name.padEnd(22),
    labels.length,
    (won.length / labels.length).toFixed(2),
    `l2=${median(pairs.map(([a, b]) => distance('l2', a, b)))}`,
    `linf=${median(pairs.map(([a, b]) => distance('linf', a, b)))}`,
    `changed=${median(near.map(({ changed }) => changed))}`,
    `steps=${median(near.map(({ steps }) => steps))}`,
    `valid=${(valid / Math.max(1, won.length)).toFixed(2)}`,
    `s/row=${seconds.toFixed(3)}`,
    `queries/row=${queries.toFixed(0)}`,
  ]);
}

async function main(folder: string, part: string): Promise<void> {
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.onnx') || !file.includes(part)) continue;
    const name = file.slice(0, -5);
    const onnx = withoutZipMap(readOnnx(readFileSync(join(folder, file))));
    const rows = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Rows;
    const width = rows.names.length;
    const trees = readTrees(onnx);
    if (trees === null) continue;
    const session = await openSession(writeOnnx(onnx));
    const model = classifier(session, { inputShape: [width] });
    const pool = { x: Float32Array.from(rows.pool), rows: rows.poolY.length };
    const forest = compileForest(trees, width);
    for (const measure of ['l2', 'linf', 'l1'] satisfies MeasureName[]) {
      const how = () => ({ random: seeded(1), measure, bounds, pool });
      const run = (x: Float32Array, labels: Int32Array) => leafTuple(forest, { x, labels }, how());
      await line(name, `leaf-tuple ${measure}`, rows, run, model, 50);
    }
    const constraints = constraintsOf(schemaOf(rows));
    const grouped = compileForest(trees, width, constraints.groups);
    for (const measure of ['changed', 'steps'] satisfies MeasureName[]) {
      const how = () => ({ random: seeded(1), measure, constraints, pool });
      const run = (x: Float32Array, labels: Int32Array) => leafTuple(grouped, { x, labels }, how());
      await line(name, `constrained ${measure}`, rows, run, model, 50);
    }
    for (const [title, attack] of Object.entries({ hopSkipJump, geoda, signOpt })) {
      const how = () => ({ budget: l2(0), bounds, random: seeded(1), pool, queriesMax });
      const run = (x: Float32Array, labels: Int32Array) => attack(model, { x, labels }, how());
      await line(name, title, rows, run, model, 20);
    }
    await session.close();
  }
}

await main(process.argv[2] ?? '', process.argv[3] ?? '');
