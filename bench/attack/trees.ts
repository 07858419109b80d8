/**
 * The tree attacks on models of spambase, credit_data and lending_club, one line each: success in
 * ONNX Runtime, median distances, CPU seconds a row, queries. The models come from
 * bench/attack/trees.py, which afterwards prints ART's lines beside ours. LT-Attack is a program in
 * C++ (chong-z/tree-ensemble-attack) that is built from its source and named by --lt-attack.
 *
 *     python bench/attack/trees.py make DATA OUT
 *     node --conditions=source bench/attack/trees.ts OUT [PART OF A NAME] [--lt-attack BINARY]
 *     python bench/attack/trees.py peers DATA OUT
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  boundaryAttack,
  type Classifier,
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
  zoo,
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
  readonly relations: readonly {
    readonly left: string;
    readonly right: string;
    readonly leftFactor: number;
    readonly rightFactor: number;
    readonly bound: number;
  }[];
  readonly accuracy: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly pool: readonly number[];
  readonly poolY: readonly number[];
}

const bounds = { min: 0, max: 1 };
const queriesMax = 1000;

/** A schema of the scaled columns: whole numbers keep their steps, texts their groups. */
function schemaOf({ names, groups, steps, relations }: Rows) {
  const members = new Set(groups.flat());
  const features = names.map((name, i): FeatureSchema => {
    const common = { name, min: 0, max: 1, mutable: true };
    if (members.has(name)) return { ...common, type: 'integer', step: 1 };
    const step = steps[i];
    return step ? { ...common, type: 'real', step } : { ...common, type: 'real' };
  });
  const linear = relations.map(({ left, right, leftFactor, rightFactor, bound }) => ({
    kind: 'atMost' as const,
    terms: [
      { feature: left, factor: leftFactor },
      { feature: right, factor: -rightFactor },
    ],
    bound,
    text: `${left} <= ${right}`,
  }));
  return { features, relations: [], linear, groups };
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN).toPrecision(3);
}

function tell(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.join(' ')}\n`);
}

/** One model and the rows that are attacked. */
interface Case {
  readonly name: string;
  readonly rows: Rows;
  readonly model: Classifier;
  readonly pool: { readonly x: Float32Array; readonly rows: number };
}

type Attack = (x: Float32Array, labels: Int32Array) => Promise<Float32Array> | Float32Array;

function rowsOf({ rows }: Case, count: number) {
  const labels = Int32Array.from(rows.y.slice(0, count));
  const width = rows.names.length;
  return { width, labels, x: Float32Array.from(rows.x.slice(0, labels.length * width)) };
}

/** Prints the line of one attack on one model; gives the L2 distances by row. */
async function line(own: Case, title: string, run: Attack, count: number): Promise<number[]> {
  const { name, rows, model } = own;
  const { x, labels, width } = rowsOf(own, count);
  const before = model.queries;
  const started = process.cpuUsage();
  const found = await run(x, labels);
  const { user, system } = process.cpuUsage(started);
  const seconds = (user + system) / 1e6 / labels.length;
  const queries = (model.queries - before) / labels.length;
  const answers = await model.predict(found);
  const constraints = constraintsOf(schemaOf(rows));
  const won = [...labels.keys()].filter((row) => answers[row] !== labels[row]);
  const pairs = won.map((row) => {
    const clean = x.subarray(row * width, (row + 1) * width);
    return [found.subarray(row * width, (row + 1) * width), clean] as const;
  });
  const valid = pairs.filter(([a, b]) => constraints.violations(a, b).length === 0).length;
  const near = pairs.map(([a, b]) => constraints.distance(a, b));
  const lengths = pairs.map(([a, b]) => distance('l2', a, b));
  tell([
    name.padEnd(18),
    title.padEnd(22),
    labels.length,
    (won.length / labels.length).toFixed(2),
    `l2=${median(lengths)}`,
    `linf=${median(pairs.map(([a, b]) => distance('linf', a, b)))}`,
    `changed=${median(near.map(({ changed }) => changed))}`,
    `steps=${median(near.map(({ steps }) => steps))}`,
    `valid=${(valid / Math.max(1, won.length)).toFixed(2)}`,
    `cpu-s/row=${seconds.toFixed(3)}`,
    `queries/row=${queries.toFixed(0)}`,
  ]);
  const all = new Array<number>(labels.length).fill(Number.POSITIVE_INFINITY);
  won.forEach((row, k) => {
    all[row] = lengths[k] ?? Number.POSITIVE_INFINITY;
  });
  return all;
}

/** The points that LT-Attack found for one row, in its own doubles, and its seconds. */
function ltPoints(binary: string, folder: string, { name, rows }: Case, row: number) {
  const path = (end: string) => resolve(folder, `${name}.${end}`);
  const config = path('lt.json');
  const points = path('lt.points');
  const settings = {
    inputs: path('svm'),
    model: path('trees.json'),
    num_classes: 2,
    num_features: rows.names.length,
    feature_start: 0,
    offset: row,
    num_point: 1,
    num_attack_per_point: 20,
    norm_type: 2,
    num_threads: 1,
    enable_early_return: true,
    search_mode: 'lt-attack',
    adv_training_path: points,
  };
  rmSync(points, { force: true });
  writeFileSync(config, JSON.stringify(settings));
  const { status, stdout } = spawnSync(binary, [config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`LT-Attack ended with ${status} on row ${row}`);
  const seconds = Number(/Time per point: ([\d.e+-]+)/.exec(stdout)?.[1] ?? Number.NaN);
  const lines = readFileSync(points, 'utf8').trim().split('\n').filter(Boolean);
  const found = lines.map((text) => {
    const point = new Float64Array(rows.names.length);
    for (const part of text.split(' ').slice(1)) {
      const [at, value] = part.split(':');
      point[Number(at)] = Number(value);
    }
    return point;
  });
  return { seconds, found };
}

/** A point in float32; `out` moves what it changes one float32 further from the clean row. */
function asFloat32(point: Float64Array, clean: Float32Array, out: boolean): Float32Array {
  return Float32Array.from(point, (value, i) => {
    const own = clean[i] ?? 0;
    const near = Math.fround(value);
    if (Math.abs(value - own) < 1e-12 || !out) return Math.abs(value - own) < 1e-12 ? own : near;
    const step = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(near), 2 ** -126))) - 23);
    return value > own ? near + step : near - step;
  });
}

/** LT-Attack on the same rows, judged by the float32 model as returned and one float32 further. */
async function ltLine(binary: string, folder: string, own: Case, ours: readonly number[]) {
  const { x, labels, width } = rowsOf(own, ours.length);
  let asReturned = 0;
  let seconds = 0;
  const pairs: [theirs: number, ours: number][] = [];
  const claimed: number[] = [];
  for (const row of labels.keys()) {
    const clean = x.subarray(row * width, (row + 1) * width);
    const { found, seconds: took } = ltPoints(binary, folder, own, row);
    seconds += took / labels.length;
    const length = (point: ArrayLike<number>) =>
      Math.hypot(...Array.from(point, (value, i) => value - (clean[i] ?? 0)));
    const sorted = found.toSorted((a, b) => length(a) - length(b));
    const turns = async (points: readonly Float32Array[]) => {
      const answers = await own.model.predict(Float32Array.from(points.flatMap((p) => [...p])));
      return points.filter((_, k) => answers[k] !== labels[row]);
    };
    const [best] = sorted;
    if (best === undefined) continue;
    claimed.push(length(best));
    asReturned += (await turns([asFloat32(best, clean, false)])).length;
    const further = sorted.flatMap((p) => [asFloat32(p, clean, false), asFloat32(p, clean, true)]);
    const lengths = (await turns(further)).map((point) => distance('l2', point, clean));
    if (lengths.length > 0) pairs.push([Math.min(...lengths), ours[row] ?? Infinity]);
  }
  const theirs = median(pairs.map(([a]) => a));
  const same = median(pairs.map(([, b]) => b));
  tell([
    own.name.padEnd(18),
    'LT-Attack'.padEnd(22),
    labels.length,
    `as-returned=${(asReturned / labels.length).toFixed(2)}`,
    `claimed-l2=${median(claimed)}`,
    `repaired=${(pairs.length / labels.length).toFixed(2)}`,
    `l2=${theirs}`,
    `leaf-tuple-on-the-same=${same}`,
    `ours/theirs=${(Number(same) / Number(theirs)).toFixed(3)}`,
    `s/row=${seconds.toFixed(3)}`,
  ]);
}

const asking = { hopSkipJump, boundaryAttack, geoda, signOpt };

async function main(folder: string, part: string, binary: string | undefined): Promise<void> {
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
    const own: Case = { name, rows, model, pool };
    const found: Record<string, number[]> = {};
    for (const measure of ['l2', 'linf', 'l1'] satisfies MeasureName[]) {
      const title = `leaf-tuple ${measure}`;
      found[title] = await line(
        own,
        title,
        (x, labels) => {
          const forest = compileForest(trees, width);
          return leafTuple(forest, { x, labels }, { random: seeded(1), measure, bounds, pool });
        },
        50,
      );
    }
    writeFileSync(join(folder, `${name}.found.json`), JSON.stringify(found));
    if (existsSync(join(folder, `${name}.trees.json`))) {
      const ours = found['leaf-tuple l2'] ?? [];
      if (binary !== undefined) await ltLine(binary, folder, own, ours);
      else tell([name.padEnd(18), 'LT-Attack'.padEnd(22), 'no binary given']);
    }
    const constraints = constraintsOf(schemaOf(rows));
    for (const measure of ['changed', 'steps'] satisfies MeasureName[]) {
      await line(
        own,
        `constrained ${measure}`,
        (x, labels) => {
          const forest = compileForest(trees, width, constraints.groups);
          return leafTuple(
            forest,
            { x, labels },
            { random: seeded(1), measure, constraints, pool },
          );
        },
        50,
      );
    }
    for (const [title, attack] of Object.entries(asking)) {
      const how = () => ({ budget: l2(0), bounds, random: seeded(1), pool, queriesMax });
      await line(own, title, (x, labels) => attack(model, { x, labels }, how()), 20);
    }
    const how = { bounds, random: seeded(1), pool, queriesMax };
    await line(own, 'zoo', (x, labels) => zoo(model, { x, labels }, how), 20);
    await session.close();
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'lt-attack': { type: 'string' } },
});
await main(positionals[0] ?? '', positionals[1] ?? '', values['lt-attack']);
