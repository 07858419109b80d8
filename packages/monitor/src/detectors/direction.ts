/**
 * Evasion by the directions of updates. Attacks that keep their queries apart to escape nearness
 * (OARS, Feng et al., CCS 2023) still walk from one point in drawn directions, and angles between
 * drawn directions hardly vary, unlike those between natural rows. Two streams of cosines a key:
 * between consecutive updates (delta similarity, GWAD, Park et al. 2025) and between updates from
 * the nearest earlier query, its parent, and the last update from or to that parent (query
 * provenance, Li et al. 2024). A window of each is compared with benign cosines by the
 * Kolmogorov–Smirnov distance; the alarm level is learnt from benign sessions.
 *
 * Memory: 48 sketches of 256 numbers (49 kB) a key. Cost: 48 distances a query, two sorts of 40
 * numbers every ten queries.
 */
import { type Random, seeded } from '@merlon/core';
import { kolmogorovSmirnov } from '../statistics/kolmogorov.ts';
import type { Detector } from './detector.ts';
import { cosinesOf, type Walk, walkFrom } from './direction-walk.ts';
import type { BenignRows } from './prada.ts';
import { recent } from './recent.ts';
import { packState, unpackState } from './saved.ts';
import { type SketchOptions, sketch } from './sketch.ts';

/** Benign cosines and the distances that benign windows reach; plain data. */
export interface DirectionProfile {
  readonly row: SketchOptions;
  /** Sorted cosines of consecutive updates and of updates from parents. */
  readonly benign: readonly [Float64Array, Float64Array];
  /** Alarm levels of the two streams, 0 … 1. */
  readonly levels: readonly [number, number];
}

/** How to learn a profile. */
export interface LearnDirectionOptions {
  readonly seed: number;
  readonly scale?: Float32Array;
  /** Numbers a sketch (default 256): the more, the less drawn directions vary. */
  readonly dimensions?: number;
  /** Sessions played for the level (default 100, of 1, 2, 4 and all classes). */
  readonly sessions?: number;
}

const windowCosines = 40;
const checkEvery = 10;
const sessionRows = 200;
/** Share of the way from the greatest benign distance to 1 at which the alarm lies. */
const margin = 0.15;
const benignMax = 4000;
/** How far below its level a window has to fall before it may raise another alarm. */
const wavering = 0.1;

/** Learns from benign rows with the model's predictions. Cost: about a second for 784 features. */
export function learnDirection(rows: BenignRows, options: LearnDirectionOptions): DirectionProfile {
  const { seed, dimensions = 256, scale, sessions = 100 } = options;
  const row = { features: rows.features, dimensions, seed, ...(scale && { scale }) };
  const by = sketch(row);
  const random = seeded(seed).fork('direction');
  const played = Array.from({ length: sessions }, (_, session) => {
    const walk = walkFrom();
    const streams: [number[], number[]] = [[], []];
    for (const at of clientRows(rows, random, session)) {
      const x = rows.x.subarray(at * rows.features, (at + 1) * rows.features);
      cosinesOf(walk, by.of(x)).forEach((cosine, stream) => {
        if (cosine !== null) streams[stream]?.push(cosine);
      });
    }
    return streams;
  });
  const pool = (stream: 0 | 1): Float64Array => {
    const all = played.flatMap((each) => each[stream]);
    const by = Math.max(1, all.length / benignMax);
    const length = Math.floor(all.length / by);
    return Float64Array.from({ length }, (_, i) => all[Math.floor(i * by)] ?? 0).sort();
  };
  const benign = [pool(0), pool(1)] as const;
  const level = (stream: 0 | 1): number => {
    const greatest = Math.max(...played.map((each) => windowsMax(benign[stream], each[stream])));
    return greatest + margin * (1 - greatest);
  };
  return { row, benign, levels: [level(0), level(1)] };
}

/** Rows of one client: of 1, 2, 4 or all classes in turn. */
function clientRows({ labels }: BenignRows, random: Random, session: number): number[] {
  const classes = [...new Set(Array.from(labels))];
  const count = [1, 2, 4, classes.length][session % 4] ?? classes.length;
  const own = new Set(
    [...random.permutation(classes.length)].slice(0, count).map((i) => classes[i]),
  );
  return [...random.permutation(labels.length)]
    .filter((at) => own.has(labels[at]))
    .slice(0, sessionRows);
}

function windowsMax(benign: Float64Array, cosines: readonly number[]): number {
  let greatest = 0;
  for (let end = windowCosines; end <= cosines.length; end += checkEvery) {
    const window = cosines.slice(end - windowCosines, end);
    greatest = Math.max(greatest, distanceTo(benign, window));
  }
  return greatest;
}

function distanceTo(benign: Float64Array, window: readonly number[]): number {
  return kolmogorovSmirnov(benign, Float64Array.from(window).sort()).statistic;
}

/** How to watch. */
export interface DirectionOptions {
  readonly profile: DirectionProfile;
  /** Clients watched at a time (default 500). */
  readonly keysMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface Client {
  readonly walk: Walk;
  readonly streams: readonly [number[], number[]];
  readonly sinceMs: number;
  queries: number;
  alarmed: boolean;
}

/** A detector of update directions that judges each key by itself. */
export function directionDetector(options: DirectionOptions): Detector {
  const { profile, keysMax = 500, saved } = options;
  const { benign, levels } = profile;
  const by = sketch(profile.row);
  const settings = JSON.stringify({ ...profile.row, scale: undefined, levels });
  const head = { detector: 'sequence-direction', settings };
  const clients = recent<Client>(
    keysMax,
    saved === undefined ? [] : unpackState<[string, Client][]>(saved, head),
  );
  const fresh = (sinceMs: number): Client => {
    return { walk: walkFrom(), streams: [[], []], sinceMs, queries: 0, alarmed: false };
  };
  return {
    name: head.detector,
    observe: ({ key, row, atMs }) => {
      const client = clients.take(key, () => fresh(atMs));
      cosinesOf(client.walk, by.of(row)).forEach((cosine, stream) => {
        const own = client.streams[stream];
        if (cosine === null || own === undefined) return;
        own.push(cosine);
        if (own.length > windowCosines) own.shift();
      });
      client.queries++;
      if (client.queries % checkEvery !== 0) return null;
      const [consecutive, provenance] = client.streams.map((window, stream) => {
        const known = benign[stream];
        const full = window.length === windowCosines && known !== undefined;
        return full ? distanceTo(known, window) : 0;
      });
      const over = [(consecutive ?? 0) - levels[0], (provenance ?? 0) - levels[1]];
      const stream = (over[0] ?? 0) >= (over[1] ?? 0) ? 0 : 1;
      const alarm = (over[stream] ?? 0) > 0;
      const isNew = alarm && !client.alarmed;
      // A window that wavers around the level is one alarm.
      client.alarmed = alarm || (client.alarmed && (over[stream] ?? 0) > -wavering);
      if (!isNew) return null;
      const detail = { queries: client.queries, stream: stream === 0 ? 'consecutive' : 'parent' };
      const statistic = (stream === 0 ? consecutive : provenance) ?? 0;
      const judged = { statistic, threshold: levels[stream], sinceMs: client.sinceMs, detail };
      return { detector: head.detector, key, ...judged };
    },
    status: () => ({ clients: clients.size, levels: [...levels] }),
    save: () => packState(head, clients.entries()),
  };
}
