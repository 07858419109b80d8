/**
 * Model extraction: PRADA (Juuti et al., EuroS&P 2019). The distances between a client's queries
 * are about normal when they are natural, and far from it when they are synthesised to steal the
 * model. Per class a growing set; every ten queries Shapiro–Wilk over the distances; alarm when W
 * falls below `delta`. Cost: one distance to each member of the class's growing set.
 */
import type { Random } from '@merlon/core';
import { shapiroWilk } from '../statistics/shapiro.ts';
import type { Detector, Observation, Signal } from './detector.ts';

/** How to watch for extraction. */
export interface PradaOptions {
  /** Alarm below this W (paper: 0.90 to 0.96, tuned on benign traffic; default 0.9). */
  readonly delta?: number;
  /** Factor on each feature before distances are taken, such as one over its deviation. */
  readonly scale?: Float32Array;
  /** Distances needed before a judgement (paper: 100). */
  readonly distancesMin?: number;
  /** Clients watched at a time; the least recent is forgotten (default 1,000). */
  readonly clientsMax?: number;
  /** Queries kept per class and client (default 400); older ones leave. */
  readonly growingSetMax?: number;
}

interface ClassState {
  readonly growing: Float32Array[];
  readonly growingDistances: number[];
  readonly distances: number[];
  threshold: number;
}

interface ClientState {
  readonly classes: Map<number, ClassState>;
  queries: number;
  firstAtMs: number;
  statistic: number;
  alarmed: boolean;
}

const checkEvery = 10;
const distancesPerClassMax = 500;

/** An extraction detector that judges each key by itself. */
export function pradaDetector(options: PradaOptions = {}): Detector {
  const { delta = 0.9, distancesMin = 100, clientsMax = 1000, growingSetMax = 400 } = options;
  const clients = new Map<string, ClientState>();
  const clientOf = (observation: Observation): ClientState => {
    const known = clients.get(observation.key) ?? newClient(observation.atMs);
    clients.delete(observation.key);
    clients.set(observation.key, known);
    if (clients.size > clientsMax) {
      const [oldest] = clients.keys();
      if (oldest !== undefined) clients.delete(oldest);
    }
    return known;
  };
  return {
    name: 'extraction-prada',
    observe: (observation) => {
      const client = clientOf(observation);
      client.queries++;
      take(client, scaled(observation, options.scale), growingSetMax);
      if (client.queries % checkEvery !== 0 || client.alarmed) return null;
      const statistic = normality(client, distancesMin);
      if (statistic === null) return null;
      client.statistic = statistic;
      if (statistic >= delta) return null;
      client.alarmed = true;
      return signalOf(client, observation.key, delta);
    },
    status: () => ({
      clients: clients.size,
      lowestW: Math.min(1, ...[...clients.values()].map((client) => client.statistic)),
      threshold: delta,
    }),
  };
}

function newClient(firstAtMs: number): ClientState {
  return { classes: new Map(), queries: 0, firstAtMs, statistic: 1, alarmed: false };
}

/** Records the distance of a query to its class's growing set, and grows the set if it is far. */
function take(client: ClientState, { row, label }: Observation, growingSetMax: number): void {
  const state = client.classes.get(label) ?? {
    growing: [],
    growingDistances: [],
    distances: [],
    threshold: 0,
  };
  client.classes.set(label, state);
  if (state.growing.length === 0) {
    state.growing.push(row.slice());
    return;
  }
  const distance = nearest(state.growing, row);
  state.distances.push(distance);
  if (state.distances.length > distancesPerClassMax) state.distances.shift();
  if (distance <= state.threshold) return;
  state.growing.push(row.slice());
  state.growingDistances.push(distance);
  if (state.growing.length > growingSetMax) {
    state.growing.shift();
    state.growingDistances.shift();
  }
  const { mean, deviation } = moments(state.growingDistances);
  state.threshold = Math.max(state.threshold, mean - deviation);
}

function scaled(observation: Observation, scale: Float32Array | undefined): Observation {
  if (scale === undefined) return observation;
  const row = observation.row.map((value, i) => value * (scale[i] ?? 1));
  return { ...observation, row };
}

/** Natural rows to tune a threshold on. */
export interface BenignRows {
  /** Rows, row-major. */
  readonly x: Float32Array;
  readonly features: number;
  readonly labels: ArrayLike<number>;
}

/** Sessions played to tune a threshold: as short as an attack, since W varies most then. */
const benignSessions = 100;
const benignSessionRows = 250;
/** Share of the shortfall from W = 1 by which the alarm stays below the least natural W. */
const benignMargin = 0.2;

/**
 * The threshold for a model: many short sessions of natural rows are played, and the alarm stays
 * below the least W that they give, as the paper tunes it. Never above `deltaMax`.
 */
export function tunePrada(
  rows: BenignRows,
  options: Omit<PradaOptions, 'delta'> & { readonly random: Random; readonly deltaMax?: number },
): number {
  const { random, deltaMax = 0.95, ...rest } = options;
  let least = 1;
  for (let session = 0; session < benignSessions; session++) {
    // With delta 0 the detector only measures.
    const detector = pradaDetector({ ...rest, delta: 0 });
    for (const at of random.permutation(rows.labels.length).slice(0, benignSessionRows)) {
      const row = rows.x.subarray(at * rows.features, (at + 1) * rows.features);
      detector.observe({ atMs: 0, key: '', row, label: rows.labels[at] ?? 0 });
      const { lowestW } = detector.status();
      if (typeof lowestW === 'number') least = Math.min(least, lowestW);
    }
  }
  return Math.min(deltaMax, least - benignMargin * (1 - least));
}

/**
 * W over the joined distances without outliers, or null when there are too few, or all are the
 * same: a client that asks the same again learns nothing.
 */
function normality(client: ClientState, distancesMin: number): number | null {
  const joined = [...client.classes.values()]
    .filter((state) => state.distances.length >= checkEvery)
    .flatMap((state) => state.distances);
  const { mean, deviation } = moments(joined);
  const kept = joined.filter((distance) => Math.abs(distance - mean) < 3 * deviation);
  if (kept.length <= distancesMin || new Set(kept).size === 1) return null;
  return shapiroWilk(Float64Array.from(kept.slice(-5000)));
}

function nearest(members: readonly Float32Array[], row: Float32Array): number {
  let best = Number.POSITIVE_INFINITY;
  for (const member of members) {
    let sum = 0;
    for (let i = 0; i < row.length && sum < best; i++) {
      const difference = (member[i] ?? 0) - (row[i] ?? 0);
      sum += difference * difference;
    }
    if (sum < best) best = sum;
  }
  return Math.sqrt(best);
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  if (values.length === 0) return { mean: 0, deviation: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

function signalOf(client: ClientState, key: string, delta: number): Signal {
  return {
    detector: 'extraction-prada',
    key,
    statistic: client.statistic,
    threshold: delta,
    sinceMs: client.firstAtMs,
    detail: { queries: client.queries, classes: client.classes.size },
  };
}
