/** Sessions of queries: what attacks ask of models/digits-cnn.onnx, and what honest clients ask. */
import { readFileSync } from 'node:fs';
import {
  type Batch,
  boundaryAttack,
  bounds,
  type Classifier,
  classifier,
  estimate,
  geoda,
  hopSkipJump,
  l2,
  linf,
  signOpt,
  simba,
  square,
} from '@merlon/attack';
import { type Random, seeded } from '@merlon/core';
import { type Dataset, openSession, readDataset, readSchema } from '@merlon/graph';
import { adaptedNes } from './adaptive.ts';

/** One query and its answer. */
export interface Query {
  readonly row: Float32Array;
  readonly label: number;
  /** Account that asks (default: one for the session). */
  readonly key?: string;
}

/** Rows with the model's own predictions. */
export interface Rows {
  readonly x: Float32Array;
  readonly features: number;
  readonly labels: Int32Array;
  /** True classes. */
  readonly truth: Int32Array;
}

const root = new URL('../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const unit = bounds(0, 1);

/** The model and both parts of the data. */
export async function openDigits(): Promise<{
  readonly model: Classifier;
  readonly train: Rows;
  readonly test: Rows;
  close(): Promise<void>;
}> {
  const session = await openSession(file('models/digits-cnn.onnx'));
  const model = classifier(session);
  const schema = readSchema(file('models/digits-cnn.schema.json'));
  const rows = async (name: string): Promise<Rows> => {
    const data: Dataset = readDataset(file(`data/${name}`), { name, schema });
    const truth = Int32Array.from(data.labels);
    const labels = await model.predict(data.x);
    return { x: data.x, features: data.x.length / truth.length, labels, truth };
  };
  const [train, test] = [await rows('mnist-train.npz'), await rows('mnist-test.npz')];
  return { model, train, test, close: () => session.close() };
}

/** Row `at` of rows, sharing memory. */
export function rowAt({ x, features }: Rows, at: number): Float32Array {
  return x.subarray(at * features, (at + 1) * features);
}

/** Remembers what is asked and answered, up to a limit; then the attack is cut short. */
class Ended extends Error {}

function listening(model: Classifier, queriesMax: number): { model: Classifier; asked: Query[] } {
  const asked: Query[] = [];
  const keep = (x: Float32Array, labels: Int32Array): void => {
    const features = x.length / labels.length;
    labels.forEach((label, i) => {
      asked.push({ row: x.slice(i * features, (i + 1) * features), label });
    });
    if (asked.length >= queriesMax) throw new Ended();
  };
  const ears: Classifier = {
    inputShape: model.inputShape,
    givesScores: model.givesScores,
    get queries() {
      return asked.length;
    },
    predict: async (x) => {
      const labels = await model.predict(x);
      keep(x, labels);
      return labels;
    },
    scores: async (x) => {
      const found = await model.scores(x);
      keep(x, found.predictions);
      return found;
    },
  };
  return { model: ears, asked };
}

type Attack = (model: Classifier, batch: Batch, random: Random, pool: Rows) => Promise<unknown>;

const walked =
  (attack: typeof hopSkipJump): Attack =>
  (model, batch, random, pool) => {
    const order = random.permutation(pool.labels.length).subarray(0, 16);
    const x = Float32Array.from([...order].flatMap((at) => [...rowAt(pool, at)]));
    const options = { budget: l2(0.5), bounds: unit, random, pool: { x, rows: 16 } };
    return attack(model, batch, options);
  };
const nes =
  (reach: number, directions: 'normal' | 'signs' = 'normal'): Attack =>
  (model, batch, random) =>
    estimate(model, batch, { budget: linf(0.1), bounds: unit, random, directions, reach });

/** Every attack that is played; none knows that it is watched. */
export const attacks: Readonly<Record<string, Attack>> = {
  HopSkipJump: walked(hopSkipJump),
  'Boundary attack': walked(boundaryAttack),
  GeoDA: walked(geoda),
  'Sign-OPT': walked(signOpt),
  SimBA: (model, batch, random) =>
    simba(model, batch, { budget: l2(3), bounds: unit, random, stepSize: 0.2 }),
  'Square L∞ 0.1': (model, batch, random) =>
    square(model, batch, { budget: linf(0.1), bounds: unit, random }),
  'NES σ 0.001': nes(0.001),
  'NES σ 0.1': nes(0.1),
  'NES σ 0.2': nes(0.2),
  'NES σ 0.3': nes(0.3),
  'SPSA 0.01': nes(0.01, 'signs'),
  'OARS-adapted NES': (model, batch, random, pool) =>
    adaptedNes({ model, batch, random, pool, directions: 'drawn' }),
  'the same, natural directions': (model, batch, random, pool) =>
    adaptedNes({ model, batch, random, pool, directions: 'natural' }),
};

/** Attacks are cut after this many queries. */
export const queriesMax = 300;

/** Plays one attack against one test row and comes back with what it asked. */
export async function attackSession(
  name: string,
  { model, test }: { readonly model: Classifier; readonly test: Rows },
  session: number,
): Promise<Query[]> {
  const random = seeded(1000 + session);
  const correct = [...test.labels.keys()].filter((at) => test.labels[at] === test.truth[at]);
  const at = correct[random.integer(correct.length)] ?? 0;
  const batch = { x: rowAt(test, at).slice(), labels: test.truth.slice(at, at + 1) };
  const ears = listening(model, queriesMax);
  try {
    await attacks[name]?.(ears.model, batch, random.fork(name), test);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
  return ears.asked.slice(0, queriesMax);
}

/** Honest rows of some classes in random order, without repeats. */
export function benignSession(
  test: Rows,
  random: Random,
  options: { readonly classes: number; readonly queries: number },
): Query[] {
  const classes = new Set(random.permutation(10).subarray(0, options.classes));
  const own = [...test.labels.keys()].filter((at) => classes.has(test.truth[at] ?? -1));
  const order = random.permutation(own.length).subarray(0, options.queries);
  return [...order].map((i) => {
    const at = own[i] ?? 0;
    return { row: rowAt(test, at), label: test.labels[at] ?? -1 };
  });
}
