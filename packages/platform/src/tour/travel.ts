/** What both models share on their way: bring in, wait for a step, tell what it measured. */
import { type JsonObject, MerlonError } from '@merlon/core';
import type { StepName } from '../model.ts';
import type { Platform } from '../platform.ts';
import type { TourClient } from './client.ts';
import type { Files } from './fixtures.ts';
import { part, parts, type TourPeople } from './people.ts';
import type { TourMemory } from './state.ts';

/** What every stage of the tour is given. */
export interface Journeyer {
  readonly platform: Platform;
  readonly memory: TourMemory;
  readonly people: TourPeople;
}

/** A step as the API shows it. */
export interface SeenStep {
  readonly step: StepName;
  readonly state: string;
  readonly seconds: number;
  readonly result: JsonObject;
}

/** Brings files in as a version; a draft that a crash left is filled and completed. */
export async function bringIn(
  { memory, people }: Journeyer,
  kind: 'models' | 'data',
  name: string,
  files: () => Files,
): Promise<string> {
  const client = people.developer;
  const found = await memory.act(`bring ${kind}/${name}`, async () => {
    const existing = await newestVersion(client, kind, name);
    if (existing !== null && existing.state !== 'draft') return { id: existing.id };
    const version = existing ?? (await client.ask('POST', `/api/v1/${kind}`, { name }));
    const id = String(version.id);
    for (const [path, bytes] of Object.entries(files())) {
      await client.ask('PUT', `/api/v1/versions/${id}/files/${path}`, bytes);
    }
    await client.ask('POST', `/api/v1/versions/${id}/complete`);
    return { id };
  });
  return String(found.id);
}

async function newestVersion(
  client: TourClient,
  kind: 'models' | 'data',
  name: string,
): Promise<JsonObject | null> {
  const artifacts = parts(await client.ask('GET', `/api/v1/${kind}`), kind);
  const artifact = artifacts.find((each) => each.name === name);
  return artifact === undefined ? null : (parts(artifact, 'versions')[0] ?? null);
}

/** Asks for a step's job unless it has run or is running. */
export async function begin(
  { people, platform }: Journeyer,
  id: string,
  kind: 'assess' | 'harden',
  options: JsonObject,
): Promise<void> {
  const jobs = await platform.services.store.jobs({ versionId: id });
  const present = jobs.some(
    (job) => job.kind === kind && !['failed', 'cancelled'].includes(job.state),
  );
  if (!present) await people.developer.ask('POST', `/api/v1/versions/${id}/${kind}`, options);
}

/** Waits until a step has ended; woken by the platform's own news, without polling. */
export async function waitFor(
  { platform, people }: Journeyer,
  id: string,
  step: StepName,
): Promise<SeenStep> {
  for (;;) {
    let wake: () => void = () => undefined;
    const news = new Promise<void>((resolve) => {
      wake = resolve;
    });
    // Subscribed before looking, so that nothing can happen in between unseen.
    const end = platform.services.bus.subscribe((each) => {
      if (each.topic === 'version' && each.id === id) wake();
    });
    try {
      const seen = await stepOf(people.developer, id, step);
      if (seen !== null && seen.state !== 'running') return seen;
      await news;
    } finally {
      end();
    }
  }
}

async function stepOf(client: TourClient, id: string, step: StepName): Promise<SeenStep | null> {
  const version = part(await client.ask('GET', `/api/v1/versions/${id}`), 'version');
  const found = parts(version, 'steps').find((each) => each.step === step);
  if (found === undefined) return null;
  const { startedAt, finishedAt } = found;
  const seconds = (Date.parse(String(finishedAt)) - Date.parse(String(startedAt))) / 1000;
  return { step, state: String(found.state), seconds, result: part(found, 'result') };
}

/** Waits for a step, tells its line, and throws unless it was done. */
export async function tellStep(
  journeyer: Journeyer,
  at: { readonly id: string; readonly model: string; readonly step: StepName },
  say: (result: JsonObject) => string,
): Promise<SeenStep> {
  const seen = await waitFor(journeyer, at.id, at.step);
  const ok = seen.state === 'done';
  const result = ok ? say(seen.result) : `${seen.state}: ${reasonOf(seen.result)}`;
  await journeyer.memory.line({
    step: at.step,
    model: at.model,
    ok,
    seconds: seen.seconds,
    result,
  });
  if (!ok) throw new MerlonError('step-failed', `${at.model}, ${at.step}: ${result}`);
  return seen;
}

/** Lines of the steps that follow by themselves. */
export async function tellArrival(journeyer: Journeyer, id: string, model: string): Promise<void> {
  await tellStep(journeyer, { id, model, step: 'intake' }, (result) => {
    const digest = String(result.digest).slice(0, 19);
    return `${result.files} files, ${kilobytes(result.bytes)}, ${digest}…`;
  });
  await tellStep(journeyer, { id, model, step: 'scan' }, (result) => {
    return `${result.verdict}: ${result.formats}; ${result.findings} findings`;
  });
  await tellStep(journeyer, { id, model, step: 'seal' }, (result) => {
    const recipient = String(result.recipient).slice(0, 14);
    return `${result.files} files sealed to ${recipient}…, signature verified`;
  });
}

/** A fraction as a percentage with one decimal. */
export function percent(value: unknown): string {
  return typeof value === 'number' ? `${(100 * value).toFixed(1)} %` : '–';
}

function kilobytes(bytes: unknown): string {
  return `${Math.round(Number(bytes) / 1000).toLocaleString('en')} kB`;
}

function reasonOf(result: JsonObject): string {
  return String(result.error ?? result.worst ?? 'no reason was given');
}
