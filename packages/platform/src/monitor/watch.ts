/**
 * Monitor: every answered row goes through the detectors of its deployment. Their state is rebuilt
 * from stored events after a restart, so a killed process forgets nothing it was about to see.
 */
import {
  base64,
  fromBase64,
  isJsonObject,
  isoTime,
  type JsonObject,
  secureBytes,
  uuidv7,
} from '@merlon/core';
import {
  type Detector,
  directionDetector,
  driftDetector,
  neighbourDetector,
  packState,
  pradaDetector,
  type Signal,
  unpackState,
} from '@merlon/monitor';
import type { Learnt } from '../confine/tasks/learn.ts';
import type { Reference } from '../confine/tasks/reference.ts';
import { openInputs } from '../inputs.ts';
import type { Alert, Deployment, ServeEvent, Version } from '../model.ts';
import type { Watch } from '../platform.ts';
import { inverseDeviations } from '../scale.ts';
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
      try {
        for (const signal of observe(item, event)) alarm(item, signal);
      } catch (error) {
        // The answer is out of the model already: a detector's fault is ours, not the caller's.
        onFault(error);
      }
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

/** With training data the detectors are tuned to it; without, extraction by the paper's figure. */
async function detectorsFor(services: Services, deployment: Deployment): Promise<Detector[]> {
  const links = await services.store.dataLinks(deployment.versionId);
  const version = await services.store.version(deployment.versionId);
  if (version === null || !links.some((link) => link.use === 'train')) return [pradaDetector()];
  const { reference, learnt } = await learn(services, deployment, version);
  const { x, features, names } = reference;
  const { delta, sequences } = learnt;
  const scaling = reference.table ? { scale: inverseDeviations(reference) } : {};
  const drift = driftDetector({ reference: x, features, featureNames: names });
  if (sequences === null) return [pradaDetector({ ...scaling, delta }), drift];
  return [
    pradaDetector({ ...scaling, delta }),
    neighbourDetector({ profile: sequences.neighbour }),
    directionDetector({ profile: sequences.direction }),
    drift,
  ];
}

/** The reference is drawn at each start; what follows from it takes seconds and is kept. */
async function learn(
  services: Services,
  { id }: Deployment,
  version: Version,
): Promise<{ readonly reference: Reference; readonly learnt: Learnt }> {
  const { store, startWorker } = services;
  const head = { detector: 'learnt', settings: `rows ${referenceRows}, seed ${seed}` };
  const inputs = await openInputs(services, version, 'train');
  const worker = startWorker();
  try {
    const call = { sources: inputs.sources, timeoutMs };
    const input = { ...inputs.data, rows: referenceRows, seed };
    const reference = await worker.call<Reference>('reference', input, call);
    const kept = keptIn(await store.meta(watchMeta(id)));
    if (kept !== null) return { reference, learnt: unpackState<Learnt>(kept, head) };
    // Whoever knew the projections could walk where they see nothing.
    const secretSeed = new DataView(secureBytes(4).buffer).getUint32(0);
    const learnt = await worker.call<Learnt>('learn', { ...input, secretSeed }, call);
    const state = base64(packState(head, learnt));
    await store.setMeta(watchMeta(id), JSON.stringify({ state }));
    return { reference, learnt };
  } finally {
    await worker.close();
    await inputs.close();
  }
}

/** Earlier versions kept only the alarm level of PRADA: they learn once more. */
function keptIn(text: string | null): Uint8Array | null {
  const kept: unknown = text === null ? null : JSON.parse(text);
  return isJsonObject(kept) && typeof kept.state === 'string' ? fromBase64(kept.state) : null;
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
