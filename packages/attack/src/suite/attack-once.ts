/** One attack on some samples: in chunks that bound the memory, judged by the plain model. */
import type { Clock, OnProgress, Random } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { type Batch, positions, sizeOf, subset } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { Classifier, DifferentiableClassifier } from '../model/classifier.ts';
import type { AttackRow, AttackSettings } from '../row.ts';
import { type Judgement, judge, type ThreatModel } from '../verdict.ts';

/** The model under test: plain, and differentiable where it can be. */
export interface Models {
  readonly plain: Classifier;
  readonly gradients?: DifferentiableClassifier;
}

/** What an attack runs with. */
export interface Setting {
  readonly threat: ThreatModel;
  readonly settings: AttackSettings;
  readonly random: Random;
  readonly pool: Dataset;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** What came of it. */
export interface AttackOutcome {
  readonly judgement: Judgement;
  readonly queries: number;
  readonly seconds: number;
  readonly unreliable: readonly string[];
  readonly remarks: readonly string[];
}

/** Elements of the rows that are attacked at once: a dozen copies of them stay below 200 MB. */
const elementsMax = 2 ** 22;

/** Runs a row of the table on a batch; throws what the attack throws. */
export async function attackOnce(
  row: AttackRow,
  models: Models,
  batch: Batch,
  setting: Setting,
): Promise<AttackOutcome> {
  const { clock, threat } = setting;
  const started = clock.nowMs();
  const model = models.gradients ?? models.plain;
  const before = model.queries;
  const parts = chunksOf(row, batch);
  const judged: Judgement[] = [];
  const unreliable = new Set<string>();
  const remarks = new Set<string>();
  let judging = 0;
  for (const [at, rows] of parts.entries()) {
    stopWhenAborted(setting.signal);
    const own = parts.length === 1 ? batch : subset(batch, rows);
    const candidates = await row.run({
      model,
      ...(models.gradients && { gradients: models.gradients }),
      batch: own,
      threat: partOf(threat, rows),
      pool: { x: setting.pool.x, rows: setting.pool.labels.length },
      random: setting.random,
      settings: setting.settings,
      ...(setting.signal && { signal: setting.signal }),
      onDone: (done, total) => {
        const all = { done: at * total + done, total: parts.length * total };
        setting.onProgress?.({ label: row.name, ...all });
      },
    });
    const asked = model.queries;
    const one = await judge(models.plain, own, candidates.x, {
      ...partOf(threat, rows),
      ...(row.minimal && { minimal: true }),
    });
    judging += model.queries - asked;
    judged.push(one);
    if (candidates.unreliable !== undefined) unreliable.add(candidates.unreliable);
    if (candidates.remark !== undefined) remarks.add(candidates.remark);
  }
  return {
    judgement: joined(judged),
    queries: model.queries - before - judging,
    seconds: (clock.nowMs() - started) / 1000,
    unreliable: [...unreliable],
    remarks: [...remarks],
  };
}

function chunksOf(row: AttackRow, batch: Batch): number[][] {
  const count = batch.labels.length;
  const most = row.whole
    ? count
    : Math.max(1, Math.floor(elementsMax / Math.max(1, sizeOf(batch))));
  if (count <= most) return [positions(count)];
  const parts = Math.ceil(count / most);
  const step = Math.ceil(count / parts);
  return positions(parts).map((part) =>
    positions(count).slice(part * step, Math.min((part + 1) * step, count)),
  );
}

/** The threat model of some rows: targets belong to rows. */
export function partOf(threat: ThreatModel, rows: readonly number[]): ThreatModel {
  const { criterion } = threat;
  if (criterion.kind === 'untargeted') return threat;
  const targets = Int32Array.from(rows, (row) => criterion.targets[row] ?? 0);
  return { ...threat, criterion: { kind: 'targeted', targets } };
}

function joined(parts: readonly Judgement[]): Judgement {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const x = new Float32Array(parts.reduce((sum, part) => sum + part.x.length, 0));
  let at = 0;
  for (const part of parts) {
    x.set(part.x, at);
    at += part.x.length;
  }
  return {
    x,
    predictions: Int32Array.from(parts.flatMap((part) => [...part.predictions])),
    broken: parts.flatMap((part) => part.broken),
    found: parts.flatMap((part) => part.found),
    distances: parts.flatMap((part) => part.distances),
  };
}
