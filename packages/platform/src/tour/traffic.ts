/** Traffic of the tour: honest callers, a thief, and a population that changed. */
import { type JsonObject, MerlonError, seeded } from '@merlon/core';
import { type Dataset, readDataset, readSchema, rowSize } from '@merlon/graph';
import { TourClient } from './client.ts';
import type { Traveller } from './fixtures.ts';
import { parts } from './people.ts';
import { steal } from './thief.ts';
import type { Journeyer } from './travel.ts';

const honestRows = 240;
const thiefQueriesMax = 1500;
const seed = 7;

/** A caller with a key of its own. */
export interface Caller {
  readonly keyId: string;
  readonly client: TourClient;
}

/** Makes a key; after a crash a fresh one replaces what was lost with the process. */
export async function newCaller({ people, platform }: Journeyer, name: string): Promise<Caller> {
  const wish = { name, scope: 'inference', budgetRows: 5000 };
  const answer = await people.approver.ask('POST', '/api/v1/keys', wish);
  const client = new TourClient(platform.settings.origin).withKey(String(answer.key));
  return { keyId: String(answer.id), client };
}

/** The test data of a traveller. */
export function testData(traveller: Traveller): Dataset {
  const [name = '', bytes = new Uint8Array(0)] = Object.entries(traveller.test())[0] ?? [];
  const schema = readSchema(traveller.model()['schema.json'] ?? '');
  return readDataset(bytes, { name, schema });
}

/** The training data's twin for honest traffic: rows drawn from all of the test data, in order. */
export async function honestTraffic(
  caller: Caller,
  name: string,
  data: Dataset,
): Promise<{ rows: number; correct: number; medianMs: number }> {
  const order = seeded(seed).permutation(data.labels.length).slice(0, honestRows);
  const times: number[] = [];
  let correct = 0;
  for (const row of order) {
    const started = performance.now();
    const label = await askOne(caller, name, { data, x: rowAt(data, row) });
    times.push(performance.now() - started);
    if (label === data.labels[row]) correct++;
  }
  times.sort((a, b) => a - b);
  return { rows: order.length, correct, medianMs: times[Math.floor(times.length / 2)] ?? 0 };
}

/** Tries to copy the model through its API until its key is taken away. */
export async function thiefTraffic(
  caller: Caller,
  name: string,
  data: Dataset,
): Promise<{ queries: number; stopped: boolean; agreement: number }> {
  const random = seeded(seed + 1);
  const own = [...random.permutation(data.labels.length).slice(0, 60)];
  const loot = await steal((row) => askOne(caller, name, { data, x: row }), {
    seeds: own.map((row) => rowAt(data, row)),
    classes: data.classes.length,
    stepSize: 0.1,
    bounds: { min: 0, max: 1 },
    queriesMax: thiefQueriesMax,
    random,
  });
  const judged = [...random.permutation(data.labels.length).slice(0, 500)];
  const agreeing = judged.filter((row) => loot.predict(rowAt(data, row)) === data.labels[row]);
  const { queries, stopped } = loot;
  return { queries, stopped, agreement: agreeing.length / judged.length };
}

/** Applications of another kind: small loans of people with twice the income. */
export async function changedTraffic(
  caller: Caller,
  name: string,
  data: Dataset,
): Promise<{ rows: number }> {
  const columns = data.features?.map((feature) => feature.name) ?? [];
  const income = columns.indexOf('annual_inc');
  const amount = columns.indexOf('funded_amnt');
  if (income < 0 || amount < 0) throw new MerlonError('internal', 'the loans lack their columns');
  const order = seeded(seed + 2)
    .permutation(data.labels.length)
    .slice(0, 2 * honestRows);
  for (const row of order) {
    const x = rowAt(data, row).slice();
    x[income] = Math.min(960_000, (x[income] ?? 0) * 2);
    x[amount] = Math.max(1000, Math.round((x[amount] ?? 0) / 50) * 25);
    await askOne(caller, name, { data, x });
  }
  return { rows: order.length };
}

/** One request over the inference protocol; null when the key was refused. */
async function askOne(
  { client }: Caller,
  name: string,
  { data, x }: { readonly data: Dataset; readonly x: Float32Array },
): Promise<number | null> {
  const input = { name: inputName(name), datatype: 'FP32', shape: [1, ...data.shape.slice(1)] };
  const body = { inputs: [{ ...input, data: [...x] }] };
  const { status, answer } = await client.attempt('POST', `/v2/models/${name}/infer`, body);
  if (status === 401) return null;
  if (status !== 200) throw new MerlonError('step-failed', `${name} answered ${told(answer)}`);
  const label = parts(answer, 'outputs').find((output) => output.name === 'label');
  const [value] = (label?.data ?? []) as readonly number[];
  return Number(value);
}

function inputName(model: string): string {
  return model === 'digits' ? 'image' : 'features';
}

function told(answer: JsonObject): string {
  return String(answer.error ?? 'nothing');
}

function rowAt(data: Dataset, row: number): Float32Array {
  const size = rowSize(data);
  return data.x.subarray(row * size, (row + 1) * size);
}
