/**
 * The way in to what the platform serves. Order of a request: key → decision → shape and type →
 * budget → guards → model → guards → event → answer. Deny by default.
 */
import { isoTime, uuidv7 } from '@merlon/core';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { problemOf } from '../http/problem.ts';
import type { ApiKey, Deployment, ServeEvent } from '../model.ts';
import { keyActor, keyText } from '../people/keys.ts';
import { principalOf } from '../people/people.ts';
import type { Platform } from '../platform.ts';
import type { Answer } from '../serve/ask.ts';
import type { Budgets, Taken } from './budgets.ts';
import type { Figures } from './figures.ts';
import {
  type Asking,
  type Front,
  type Inferred,
  type KnownModel,
  type ReadRequest,
  requireLoaded,
  requireVersion,
  wantedOf,
} from './front.ts';
import type { Recall } from './recall.ts';
import type { InferRequest } from './request.ts';

/** What the gateway needs besides the platform. */
export interface GatewayParts {
  readonly recall: Recall;
  readonly budgets: Budgets;
  readonly figures: Figures;
  /** Stores an event and shows it to the detectors. */
  readonly record: (event: ServeEvent) => Promise<void>;
  /** Told about faults of our own. */
  readonly onFault: (error: unknown) => void;
}

interface Admitted {
  readonly key: ApiKey;
  readonly deployment: Deployment;
}

/** The way in, for REST and gRPC alike. */
export function gatewayFront(platform: Platform, parts: GatewayParts): Front {
  const { host, settings, services } = platform;
  const known = ({ id, name, versionId }: Deployment): KnownModel => {
    return { name, version: versionId, model: host.loaded(id) };
  };
  return {
    version: settings.version,
    onFault: parts.onFault,
    isReady: () => true,
    find: async (asking) => known((await admitted(asking, platform, parts)).deployment),
    index: async (text) => {
      const key = await keyOf(text, parts);
      const active = (await services.store.deployments(key.workspaceId)).filter(
        ({ state }) => state === 'active',
      );
      return active.filter((deployment) => mayAsk(platform, parts, key, deployment)).map(known);
    },
    infer: (asking, read) => infer(platform, parts, { asking, read, known }),
  };
}

/** Key → decision → deployment; throws at the first that fails, telling no more than that. */
async function admitted(
  asking: Asking,
  platform: Platform,
  parts: GatewayParts,
): Promise<Admitted> {
  const key = await keyOf(asking.key, parts);
  const deployment = await parts.recall.deployment(asking.name);
  const nothing = { id: asking.name, workspaceId: key.workspaceId };
  if (!mayAsk(platform, parts, key, deployment ?? nothing)) {
    throw new PlatformError('forbidden', 'this key may not ask this model', {
      hint: 'make a key with the scope "inference" in the same workspace',
    });
  }
  if (deployment === null) {
    throw new PlatformError('not-found', `no model is served as "${asking.name.slice(0, 64)}"`);
  }
  requireVersion(asking, deployment.versionId);
  return { key, deployment };
}

async function keyOf(text: string | null, { recall }: GatewayParts): Promise<ApiKey> {
  const own = keyText(text);
  const key = own === null ? null : await recall.key(own);
  if (key !== null) return key;
  throw new PlatformError('not-signed-in', 'this needs a valid API key', {
    hint: 'send "Authorization: Bearer mrl_…"',
  });
}

function mayAsk(
  platform: Platform,
  { recall }: GatewayParts,
  key: ApiKey,
  { id, workspaceId: workspace }: Pick<Deployment, 'id' | 'workspaceId'>,
): boolean {
  const principal = principalOf(keyActor(key));
  const decide = () => platform.decide(principal, 'infer', { id, workspace }).allowed;
  return recall.allowed(key, id, decide);
}

async function infer(
  platform: Platform,
  parts: GatewayParts,
  of: {
    readonly asking: Asking;
    readonly read: ReadRequest;
    readonly known: (deployment: Deployment) => KnownModel;
  },
): Promise<Inferred> {
  const started = performance.now();
  const { key, deployment } = await admitted(of.asking, platform, parts);
  const asked: { request: InferRequest | null } = { request: null };
  const record = async (
    by: Deployment,
    of: Pick<ServeEvent, 'decision' | 'reason' | 'labels'>,
  ): Promise<void> => {
    const told = { ...of, started, asked: asked.request };
    const event = eventOf(platform, { key, deployment: by }, told);
    await parts.record(event);
    const { name: model, versionId: version } = by;
    const seconds = (performance.now() - started) / 1000;
    parts.figures.request({ model, version, decision: of.decision, rows: event.rows, seconds });
  };
  let taken: Taken | null = null;
  let found: Found;
  try {
    const model = requireLoaded(of.known(deployment));
    const request = await of.read(model);
    asked.request = request;
    taken = await parts.budgets.take(key, request.rows);
    found = await ask(platform, parts, { asking: of.asking, deployment, model, request });
  } catch (error) {
    taken?.giveBack();
    await record(deployment, { decision: 'refused', reason: problemOf(error).code, labels: [] });
    throw error;
  }
  taken.spend();
  const { request, answer, deployment: by } = found;
  await record(by, { decision: 'answered', reason: '', labels: answer.labels });
  const { name, versionId: version } = by;
  return { name, version, request, outputs: wantedOf(answer.outputs, request) };
}

interface Found {
  readonly request: InferRequest;
  readonly answer: Answer;
  /** Which deployment gave the answer. */
  readonly deployment: Deployment;
}

/** A deployment that another has replaced since the request came in: that one is asked instead. */
async function ask(
  platform: Platform,
  parts: GatewayParts,
  of: {
    readonly asking: Asking;
    readonly deployment: Deployment;
    readonly model: LoadedModel;
    readonly request: InferRequest;
  },
): Promise<Found> {
  const { asking, deployment, model, request } = of;
  try {
    return { request, deployment, answer: await platform.host.infer(deployment.id, request) };
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'unavailable') throw error;
    const { deployment: next } = await admitted(asking, platform, parts);
    const fresh = next.id === deployment.id ? null : platform.host.loaded(next.id);
    const fits = JSON.stringify(fresh?.inputs) === JSON.stringify(model.inputs);
    if (!fits) throw error;
    return { request, deployment: next, answer: await platform.host.infer(next.id, request) };
  }
}

function eventOf(
  platform: Platform,
  { key, deployment }: Admitted,
  of: Pick<ServeEvent, 'decision' | 'reason' | 'labels'> & {
    readonly started: number;
    readonly asked: InferRequest | null;
  },
): ServeEvent {
  const { clock } = platform.services;
  const { asked, started, decision, reason, labels } = of;
  const x = asked?.x ?? null;
  return {
    id: uuidv7(clock),
    workspaceId: deployment.workspaceId,
    deploymentId: deployment.id,
    versionId: deployment.versionId,
    keyId: key.id,
    at: isoTime(clock.nowMs()),
    decision,
    reason,
    rows: asked?.rows ?? 0,
    latencyMs: performance.now() - started,
    labels,
    input: x === null ? null : new Uint8Array(x.buffer, x.byteOffset, x.byteLength),
  };
}
