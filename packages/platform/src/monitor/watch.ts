/**
 * Monitor: every answered row goes through the detectors of its deployment. Their state is rebuilt
 * from stored events after a restart, so a killed process forgets nothing it was about to see.
 */
import { isJsonObject, isoTime, type JsonObject, seeded, uuidv7 } from '@merlon/core';
import {
  type Detector,
  driftDetector,
  pradaDetector,
  type Signal,
  tunePrada,
} from '@merlon/monitor';
import type { Reference } from '../confine/tasks/reference.ts';
import { openInputs } from '../inputs.ts';
import type { Alert, Deployment, ServeEvent, Version } from '../model.ts';
import type { Watch } from '../platform.ts';
import type { Services } from '../services.ts';
import { watchMeta } from '../store/names.ts';

/** A watch that is also fed. */
export interface FedWatch extends Watch {
  /** Takes a stored event; alarms go to `onAlert` in order. */
  feed(event: ServeEvent): void;
  /** Waits until every alarm raised so far was handled. */
  settle(): Promise<void>;
}

/** What happens on an alarm. */
export type OnAlert = (alert: Alert, sinceMs: number) => Promise<void>;

interface Watched {
  readonly deployment: Deployment;
  readonly detectors: readonly Detector[];
  /** Rows seen since the step record was last written. */
  rows: number;
  reported: number;
}

const referenceRows = 2000;
const replayEvents = 2000;
const reportEveryRows = 50;
const timeoutMs = 120_000;
const seed = 1;

/** Opens the watch. */
export function openWatch(
  services: Services,
  onAlert: OnAlert,
  onFault: (error: unknown) => void,
): FedWatch {
  const watched = new Map<string, Watched>();
  let tail: Promise<void> = Promise.resolve();
  const later = (work: () => Promise<void>): void => {
    tail = tail.then(work).catch(onFault);
  };
  const alarm = (item: Watched, signal: Signal): void => {
    const alert = alertOf(services, item.deployment, signal);
    later(() => onAlert(alert, signal.sinceMs));
  };
  return {
    begin: async (deployment) => {
      const detectors = await detectorsFor(services, deployment);
      const item: Watched = { deployment, detectors, rows: 0, reported: 0 };
      const past = await services.store.events({
        versionId: deployment.versionId,
        since: deployment.startedAt,
        limit: replayEvents,
      });
      // Alarms of the past were raised when they happened; replay only restores the state.
      for (const event of past.reverse()) observe(item, event);
      watched.set(deployment.id, item);
    },
    end: (id) => void watched.delete(id),
    status: (id) => {
      const detectors = watched.get(id)?.detectors ?? [];
      return detectors.map((detector) => ({ detector: detector.name, ...detector.status() }));
    },
    feed: (event) => {
      const item = watched.get(event.deploymentId);
      if (item === undefined) return;
      for (const signal of observe(item, event)) alarm(item, signal);
      if (item.rows - item.reported < reportEveryRows) return;
      item.reported = item.rows;
      later(() => report(services, item));
    },
    settle: () => tail,
  };
}

/** Shows one event's rows to every detector. */
function observe(item: Watched, event: ServeEvent): Signal[] {
  if (event.decision !== 'answered' || event.input === null || event.keyId === null) return [];
  const { input, keyId } = event;
  const copy = input.slice();
  const x = new Float32Array(copy.buffer, 0, copy.byteLength / 4);
  const width = x.length / Math.max(1, event.rows);
  const signals: Signal[] = [];
  for (let row = 0; row < event.rows; row++) {
    item.rows++;
    const observation = {
      atMs: Date.parse(event.at),
      key: keyId,
      row: x.subarray(row * width, (row + 1) * width),
      label: event.labels[row] ?? -1,
    };
    for (const detector of item.detectors) {
      const signal = detector.observe(observation);
      if (signal !== null) signals.push(signal);
    }
  }
  return signals;
}

/** With training data both detectors are tuned to it; without, extraction by the paper's figure. */
async function detectorsFor(services: Services, deployment: Deployment): Promise<Detector[]> {
  const links = await services.store.dataLinks(deployment.versionId);
  const version = await services.store.version(deployment.versionId);
  if (version === null || !links.some((link) => link.use === 'train')) return [pradaDetector()];
  const reference = await referenceOf(services, version);
  const { x, features, names, labels } = reference;
  const scale = reference.table ? inverseDeviations(reference) : undefined;
  const scaling = scale === undefined ? {} : { scale };
  const delta = await learnt(services, deployment, () =>
    tunePrada({ x, features, labels }, { ...scaling, random: seeded(seed) }),
  );
  return [
    pradaDetector({ ...scaling, delta }),
    driftDetector({ reference: x, features, featureNames: names }),
  ];
}

/** The alarm level of extraction: found once for a deployment, since finding it takes a second. */
async function learnt(
  { store }: Services,
  { id }: Deployment,
  find: () => number,
): Promise<number> {
  const kept: unknown = JSON.parse((await store.meta(watchMeta(id))) ?? 'null');
  if (isJsonObject(kept) && typeof kept.delta === 'number') return kept.delta;
  const delta = find();
  await store.setMeta(watchMeta(id), JSON.stringify({ delta }));
  return delta;
}

async function referenceOf(services: Services, version: Version): Promise<Reference> {
  const inputs = await openInputs(services, version, 'train');
  const worker = services.startWorker();
  try {
    const { sources, data } = inputs;
    const input = { ...data, rows: referenceRows, seed };
    return await worker.call<Reference>('reference', input, { sources, timeoutMs });
  } finally {
    await worker.close();
    await inputs.close();
  }
}

/** Columns of a table in units of their own deviation; constant columns count for nothing. */
function inverseDeviations({ x, rows, features }: Reference): Float32Array {
  return Float32Array.from({ length: features }, (_, feature) => {
    let sum = 0;
    let squares = 0;
    for (let row = 0; row < rows; row++) {
      const value = x[row * features + feature] ?? 0;
      sum += value;
      squares += value * value;
    }
    const variance = squares / rows - (sum / rows) ** 2;
    return variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  });
}

async function report({ store, clock, bus }: Services, item: Watched): Promise<void> {
  const { versionId, workspaceId, startedAt } = item.deployment;
  const alerts = await store.alerts(versionId);
  const result: JsonObject = {
    rows: item.rows,
    alerts: alerts.length,
    detectors: item.detectors.map(({ name, status }) => ({ detector: name, ...status() })),
  };
  const finishedAt = isoTime(clock.nowMs());
  await store.putStep({ versionId, step: 'monitor', state: 'done', startedAt, finishedAt, result });
  bus.publish({ topic: 'version', workspaceId, id: versionId });
}

function alertOf({ clock }: Services, deployment: Deployment, signal: Signal): Alert {
  return {
    id: uuidv7(clock),
    workspaceId: deployment.workspaceId,
    versionId: deployment.versionId,
    deploymentId: deployment.id,
    keyId: signal.key === '' ? null : signal.key,
    detector: signal.detector,
    at: isoTime(clock.nowMs()),
    statistic: signal.statistic,
    threshold: signal.threshold,
    detail: signal.detail,
    incidentId: null,
  };
}
