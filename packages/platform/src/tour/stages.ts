/** The stages of the tour for each model, in the order of the journey. */
import { type JsonObject, MerlonError } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { poisonedPickle, type Traveller } from './fixtures.ts';
import { part, parts } from './people.ts';
import { changedTraffic, honestTraffic, newCaller, testData, thiefTraffic } from './traffic.ts';
import {
  begin,
  bringIn,
  type Journeyer,
  percent,
  tellArrival,
  tellStep,
  waitFor,
} from './travel.ts';

/** What differs between the two models. */
interface Plan {
  readonly assess: JsonObject;
  readonly harden: JsonObject;
  /** True when hardening makes a child that goes on in the parent's place. */
  readonly child: boolean;
}

const digitsEpsilon = 0.2;

const plans: Readonly<Record<Traveller['name'], Plan>> = {
  digits: {
    assess: { attacks: ['fgsm', 'pgd'], epsilon: digitsEpsilon, samples: 500, seed: 1 },
    harden: { method: 'pgd-at', epsilon: digitsEpsilon, seed: 1 },
    child: true,
  },
  loans: {
    assess: { suite: 'tabular', samples: 150, seed: 1 },
    harden: { method: 'guards', seed: 1 },
    child: false,
  },
};

/** A file that would run a command is refused at the scan, and goes no further. */
export async function refusePoison(journeyer: Journeyer): Promise<void> {
  const model = 'poisoned';
  const files = () => ({ 'model.pkl': poisonedPickle() });
  const id = await bringIn(journeyer, 'models', model, files);
  const seen = await waitFor(journeyer, id, 'scan');
  const refused = seen.state === 'refused' && seen.result.verdict === 'flagged';
  const result = refused
    ? `refused, as it must be: ${String(seen.result.worst)}`
    : `was not refused: ${String(seen.result.verdict)}`;
  await journeyer.memory.line({ step: 'scan', model, ok: refused, seconds: seen.seconds, result });
  if (!refused) throw new MerlonError('step-failed', 'the poisoned pickle was not refused');
}

/** Takes one model through all ten steps. */
export async function travel(journeyer: Journeyer, traveller: Traveller): Promise<void> {
  const { name } = traveller;
  const plan = plans[name];
  const train = await bringIn(journeyer, 'data', `${name}-train`, traveller.train);
  const test = await bringIn(journeyer, 'data', `${name}-test`, traveller.test);
  const id = await bringIn(journeyer, 'models', name, traveller.model);
  await tellArrival(journeyer, id, name);
  for (const data of [train, test]) await requireSealed(journeyer, data);
  await link(journeyer, id, { train, test });
  await begin(journeyer, id, 'assess', plan.assess);
  await tellStep(journeyer, { id, model: name, step: 'assess' }, sayAssessed);
  await begin(journeyer, id, 'harden', plan.harden);
  const hardened = await tellStep(journeyer, { id, model: name, step: 'harden' }, sayHardened);
  const final = plan.child ? await raiseChild(journeyer, hardened.result, plan) : { id, name };
  await approve(journeyer, final);
  await serve(journeyer, final, name);
  await traffic(journeyer, final, traveller);
  await closeAndShare(journeyer, final);
}

interface Final {
  readonly id: string;
  readonly name: string;
}

async function requireSealed(journeyer: Journeyer, id: string): Promise<void> {
  for (const step of ['scan', 'seal'] as const) {
    const seen = await waitFor(journeyer, id, step);
    if (seen.state !== 'done') throw new MerlonError('step-failed', `data ${step}: ${seen.state}`);
  }
}

async function link(
  { people, memory }: Journeyer,
  id: string,
  uses: Readonly<Record<'train' | 'test', string>>,
): Promise<void> {
  for (const use of ['train', 'test'] as const) {
    await memory.act(`link ${id} ${use}`, () =>
      people.developer.ask('POST', `/api/v1/versions/${id}/data`, {
        dataVersionId: uses[use],
        use,
      }),
    );
  }
}

/** The hardened child goes round again: scan, seal, assess. */
async function raiseChild(journeyer: Journeyer, result: JsonObject, plan: Plan): Promise<Final> {
  const id = String(result.childId);
  const name = 'digits v2';
  await tellArrival(journeyer, id, name);
  await begin(journeyer, id, 'assess', plan.assess);
  await tellStep(journeyer, { id, model: name, step: 'assess' }, sayAssessed);
  return { id, name };
}

async function approve(journeyer: Journeyer, { id, name }: Final): Promise<void> {
  const { people, memory, platform } = journeyer;
  await memory.act(`approve ${id}`, async () => {
    if ((await platform.services.store.approvals(id)).length > 0) return {};
    // Whoever brought it in is refused first, so that the rule is seen to hold.
    const wish = { code: people.code(), comment: 'Taken on the tour' };
    const own = await people.developer.attempt('POST', `/api/v1/versions/${id}/approve`, wish);
    if (own.status !== 403) {
      throw new MerlonError('step-failed', 'the developer could approve their own version');
    }
    return people.approver.ask('POST', `/api/v1/versions/${id}/approve`, wish);
  });
  await tellStep(journeyer, { id, model: name, step: 'approve' }, (result) => {
    return `by ${result.by}, with a second factor; its bringer was refused`;
  });
}

async function serve(journeyer: Journeyer, { id, name }: Final, as: string): Promise<void> {
  const { people, memory, platform } = journeyer;
  const found = await memory.act(`serve ${id}`, async () => {
    const active = await platform.services.store.activeDeployment(as);
    if (active?.versionId === id) return { id: active.id };
    return people.approver.ask('POST', `/api/v1/versions/${id}/serve`, { name: as });
  });
  const denied = await people.developer.attempt('POST', `/v2/models/${as}/infer`, {});
  await tellStep(journeyer, { id, model: name, step: 'serve' }, () => {
    return `/v2/models/${as} (${String(found.id).slice(0, 8)}); without a key: ${denied.status}`;
  });
}

/** Honest requests, then an attack (or a changed population) with a key of its own. */
async function traffic(journeyer: Journeyer, final: Final, traveller: Traveller): Promise<void> {
  const { memory } = journeyer;
  const { name } = traveller;
  const data = testData(traveller);
  const honest = await memory.act(`honest ${final.id}`, async () => {
    return honestTraffic(await newCaller(journeyer, `${name} app`), name, data);
  });
  const attack = await memory.act(`attack ${final.id}`, () =>
    attackOnce(journeyer, traveller, data),
  );
  const seen = await waitFor(journeyer, final.id, 'respond');
  await tellStep(journeyer, { id: final.id, model: final.name, step: 'monitor' }, () => {
    const right = percent(ratio(honest.correct, honest.rows));
    const calm = `${honest.rows} honest requests, ${right} right`;
    return `${calm}; ${attackSentence(attack)}`;
  });
  const ok = seen.state === 'done' && seen.result.failed === '';
  const { detectSeconds, containSeconds, title } = seen.result;
  const after = `detected after ${short(detectSeconds)} s`;
  const times = `${after}, contained ${short(containSeconds)} s later`;
  const result = ok
    ? `${String(title)}: ${times}`
    : `containment failed: ${String(seen.result.failed)}`;
  const line = { step: 'respond' as const, model: final.name, ok, seconds: seen.seconds, result };
  await memory.line(line);
}

async function attackOnce(
  journeyer: Journeyer,
  traveller: Traveller,
  data: Dataset,
): Promise<JsonObject> {
  const { name } = traveller;
  const caller = await newCaller(journeyer, `${name} stranger`);
  if (name === 'loans') return changedTraffic(caller, name, data);
  return thiefTraffic(caller, name, data);
}

async function closeAndShare({ people, memory, platform }: Journeyer, final: Final): Promise<void> {
  const { store } = platform.services;
  const started = platform.services.clock.nowMs();
  const shared = await memory.act(`share ${final.id}`, async () => {
    const [incident] = (await store.incidents(platform.workspaceId)).filter(
      (each) => each.versionId === final.id,
    );
    if (incident === undefined) throw new MerlonError('step-failed', 'there is no incident');
    const path = `/api/v1/incidents/${incident.id}`;
    if (incident.state !== 'closed') {
      await people.approver.ask('POST', `${path}/close`, { comment: 'Seen on the tour' });
    }
    const [before] = await store.shares(incident.id);
    if (before !== undefined) return bundleFacts(JSON.parse(before.bundle) as JsonObject);
    const answer = await people.approver.ask('POST', `${path}/share`, { tlp: 'amber' });
    return bundleFacts(part(answer, 'bundle'));
  });
  const seconds = (platform.services.clock.nowMs() - started) / 1000;
  const result = `STIX 2.1, ${shared.objects} objects, TLP:AMBER, ${String(shared.technique)}`;
  await memory.line({ step: 'share', model: final.name, ok: true, seconds, result });
}

function bundleFacts(bundle: JsonObject): JsonObject {
  const objects = parts(bundle, 'objects');
  const pattern = objects.find((object) => object.type === 'attack-pattern');
  const [reference] = pattern === undefined ? [] : parts(pattern, 'external_references');
  return { objects: objects.length, technique: reference?.external_id ?? 'no technique' };
}

function sayAssessed(result: JsonObject): string {
  const attacks = parts(result, 'attacks').map((attack) => {
    const at = attack.epsilon === null ? '' : ` ${attack.norm} ε=${attack.epsilon}`;
    return `${attack.name}${at} ${percent(attack.robustAccuracy)}`;
  });
  const clean = percent(result.cleanAccuracy);
  return `clean ${clean}; under attack: ${attacks.join(', ')} (${result.samples} samples)`;
}

function sayHardened(result: JsonObject): string {
  if (result.method === 'guards') {
    const { features, rounded, decimals } = result;
    return `guards: ${features} ranges, ${rounded} rounded inputs, ${decimals} decimals`;
  }
  const loss = `loss ${short(result.firstLoss)} → ${short(result.lastLoss)}`;
  const { epsilon, steps, samples } = result;
  return `pgd-at ε=${epsilon}, ${steps} steps on ${samples} images, ${loss}; new version`;
}

function attackSentence(attack: JsonObject): string {
  if (typeof attack.queries !== 'number') return `then ${attack.rows} rows of another population`;
  const stopped = attack.stopped === true ? 'stopped' : 'not stopped';
  const copy = `copy right on ${percent(attack.agreement)}`;
  return `extraction ${stopped} after ${attack.queries} queries (${copy})`;
}

function ratio(part: unknown, whole: unknown): number {
  return Number(part) / Number(whole);
}

function short(value: unknown): string {
  return typeof value === 'number' ? Number(value.toPrecision(3)).toString() : String(value);
}
