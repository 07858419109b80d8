/**
 * Attacks that adapt to a detector which refuses queries too near to earlier ones, after OARS
 * (Feng et al., CCS 2023): the reach of probes and the step grow until few queries are refused,
 * and refused ones are drawn again. `drawn` probes in normal directions; `natural` knows that
 * directions are watched and probes along differences of natural pictures.
 */
import type { Batch, Classifier } from '@merlon/attack';
import type { Random } from '@merlon/core';
import { type Rows, rowAt } from './sessions.ts';

/** Refuses what lies nearer than `least` (L2) to an earlier query, as PIHA and OSD do in essence. */
export function refuser(least: number): (row: Float32Array) => boolean {
  const past: Float32Array[] = [];
  return (row) => {
    const near = past.some((each) => {
      let sum = 0;
      for (let i = 0; i < row.length && sum < least * least; i++) {
        sum += ((each[i] ?? 0) - (row[i] ?? 0)) ** 2;
      }
      return sum < least * least;
    });
    past.push(row);
    return near;
  };
}

interface Adapted {
  readonly model: Classifier;
  readonly batch: Batch;
  readonly random: Random;
  readonly pool: Rows;
  readonly directions: 'drawn' | 'natural';
}

const pairs = 15;
const stepsMax = 20;
const redrawsMax = 4;

/** NES with adapted reach and step; ends when the class changes. */
export async function adaptedNes(options: Adapted): Promise<void> {
  const { model, batch, random } = options;
  const refuses = refuser(4);
  const label = batch.labels[0] ?? 0;
  let x = batch.x.slice();
  let reach = 0.02;
  for (let step = 0; step < stepsMax; step++) {
    const slope = new Float32Array(x.length);
    for (let pair = 0; pair < pairs; pair++) {
      for (let redraw = 0; redraw < redrawsMax; redraw++) {
        const direction = draw(options);
        const plus = moved(x, direction, reach);
        const minus = moved(x, direction, -reach);
        const both = new Float32Array(2 * x.length);
        both.set(plus);
        both.set(minus, x.length);
        const { values, classes } = await model.scores(both);
        const refused = refuses(plus) || refuses(minus);
        if (refused) {
          reach = Math.min(1, reach * 1.2);
          continue;
        }
        const margin = (row: number): number => {
          const scores = values.subarray(row * classes, (row + 1) * classes);
          return (scores[label] ?? 0) - Math.max(...scores.filter((_, at) => at !== label));
        };
        const fall = margin(1) - margin(0);
        for (let i = 0; i < slope.length; i++) {
          slope[i] = (slope[i] ?? 0) + fall * (direction[i] ?? 0);
        }
        break;
      }
    }
    const size = 0.05 + 0.05 * random.uniform();
    x = x.map((value, i) => clip(value + size * Math.sign(slope[i] ?? 0)));
    const [now] = await model.predict(x);
    refuses(x);
    if (now !== label) return;
  }
}

function draw({ random, pool, directions, batch }: Adapted): Float32Array {
  if (directions === 'drawn') return batch.x.map(() => random.normal());
  const a = rowAt(pool, random.integer(pool.labels.length));
  const b = rowAt(pool, random.integer(pool.labels.length));
  return a.map((value, i) => 2 * (value - (b[i] ?? 0)));
}

function moved(x: Float32Array, direction: Float32Array, by: number): Float32Array {
  return x.map((value, i) => clip(value + by * (direction[i] ?? 0)));
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}
