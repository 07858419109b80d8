/**
 * The gateway: Open Inference Protocol v2 over REST. Order of a request: key →
 * decision → budget → shape and type → guards → model → guards → event → answer. Deny by default.
 */
import { isoTime, uuidv7 } from '@merlon/core';
import type { Context, Hono } from 'hono';
import { PlatformError } from '../errors.ts';
import { problemOf } from '../http/problem.ts';
import type { Env } from '../http/route.ts';
import type { ApiKey, Deployment, ServeEvent } from '../model.ts';
import { keyActor, keyIn, validKey } from '../people/keys.ts';
import { principalOf } from '../people/people.ts';
import type { Platform } from '../platform.ts';
import { describe, outputsOf } from './outputs.ts';
import { type ParsedInfer, parseInfer } from './tensor.ts';
import { inferAnswer, readInferBody } from './wire.ts';

/** What the gateway needs besides the platform. */
export interface GatewayParts {
  /** Stores an event and shows it to the detectors. */
  readonly record: (event: ServeEvent) => Promise<void>;
}

const dayMs = 24 * 3_600_000;

/** Adds the routes below `/v2`. */
export function gatewayRoutes(app: Hono<Env>, platform: Platform, parts: GatewayParts): void {
  const { settings } = platform;
  app.get('/v2', (c) =>
    c.json({ name: 'merlon', version: settings.version, extensions: ['binary_tensor_data'] }),
  );
  app.get('/v2/health/live', (c) => c.json({ live: true }));
  app.get('/v2/health/ready', (c) => c.json({ ready: true }));
  app.get('/v2/models/:name', (context) => told(context, () => metadata(context, platform)));
  app.get('/v2/models/:name/ready', (context) =>
    told(context, async () => {
      const { deployment } = await admitted(context, platform);
      const ready = platform.host.loaded(deployment.id) !== null;
      return context.json({ name: deployment.name, ready }, ready ? 200 : 503);
    }),
  );
  app.post('/v2/models/:name/infer', (context) =>
    told(context, () => infer(context, platform, parts)),
  );
}

/** Errors of the protocol are `{"error": sentence}`. */
async function told(context: Context<Env>, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    const { status, code, detail, hint } = problemOf(thrown);
    const retry = status === 429 || status === 503 ? { 'retry-after': '60' } : undefined;
    return context.json({ error: detail, code, hint }, status as 500, retry);
  }
}

/** Key → decision → deployment; throws at the first that fails, telling no more than that. */
async function admitted(
  context: Context<Env>,
  platform: Platform,
): Promise<{ key: ApiKey; deployment: Deployment }> {
  const { store } = platform.services;
  const text = keyIn(context.req.raw.headers);
  const key = text === null ? null : await validKey(store, text);
  if (key === null) {
    throw new PlatformError('not-signed-in', 'this needs a valid API key', {
      hint: 'send "Authorization: Bearer mrl_…"',
    });
  }
  const name = context.req.param('name') ?? '';
  const deployment = await store.activeDeployment(name);
  const workspace = deployment?.workspaceId ?? key.workspaceId;
  const resource = { id: deployment?.id ?? name, workspace };
  if (!platform.decide(principalOf(keyActor(key)), 'infer', resource).allowed) {
    throw new PlatformError('forbidden', 'this key may not ask this model', {
      hint: 'make a key with the scope "inference" in the same workspace',
    });
  }
  if (deployment === null) {
    throw new PlatformError('not-found', `no model is served as "${name.slice(0, 64)}"`);
  }
  return { key, deployment };
}

async function metadata(context: Context<Env>, platform: Platform): Promise<Response> {
  const { deployment } = await admitted(context, platform);
  const model = platform.host.loaded(deployment.id);
  if (model === null) throw new PlatformError('unavailable', 'the model is not loaded');
  const { name, versionId } = deployment;
  return context.json({ name, versions: [versionId], ...describe(model) });
}

async function infer(
  context: Context<Env>,
  platform: Platform,
  parts: GatewayParts,
): Promise<Response> {
  const started = performance.now();
  const { key, deployment } = await admitted(context, platform);
  const asked: { request: ParsedInfer | null } = { request: null };
  const record = (of: Pick<ServeEvent, 'decision' | 'reason' | 'labels'>): Promise<void> =>
    parts.record(eventOf(platform, { key, deployment }, { ...of, started, asked: asked.request }));
  try {
    const model = platform.host.loaded(deployment.id);
    if (model === null) throw new PlatformError('unavailable', 'the model is not loaded');
    const body = await readInferBody(context.req.raw);
    const request = parseInfer(body, model);
    asked.request = request;
    await spendBudget(platform, key, request.rows);
    const answer = await platform.host.infer(deployment.id, request.x);
    const labels = [...answer.labels];
    await record({ decision: 'answered', reason: '', labels });
    const { name, versionId } = deployment;
    const head = {
      model_name: name,
      model_version: versionId,
      ...(request.id === undefined ? {} : { id: request.id }),
    };
    return inferAnswer(head, outputsOf(model, request.rows, answer), body.json);
  } catch (error) {
    await record({ decision: 'refused', reason: problemOf(error).code, labels: [] });
    throw error;
  }
}

async function spendBudget(platform: Platform, key: ApiKey, rows: number): Promise<void> {
  const { store, clock } = platform.services;
  const spent = await store.rowsAnswered(key.id, isoTime(clock.nowMs() - dayMs));
  if (spent + rows > key.budgetRows) {
    const left = Math.max(0, key.budgetRows - spent);
    throw new PlatformError('budget-spent', `the key's budget has ${left} rows left today`, {
      hint: 'wait, or ask an operator for a larger budget',
    });
  }
}

function eventOf(
  platform: Platform,
  { key, deployment }: { key: ApiKey; deployment: Deployment },
  of: Pick<ServeEvent, 'decision' | 'reason' | 'labels'> & {
    readonly started: number;
    readonly asked: ParsedInfer | null;
  },
): ServeEvent {
  const { clock } = platform.services;
  const { asked, started, decision, reason, labels } = of;
  const x = asked?.x;
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
    input: x === undefined ? null : new Uint8Array(x.buffer, x.byteOffset, x.byteLength),
  };
}
