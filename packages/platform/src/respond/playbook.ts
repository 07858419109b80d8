/** Playbooks for an incident: which there are, and the closed list of what they may do. */
import { isoTime, type JsonObject, uuidv7 } from '@merlon/core';
import {
  type CacaoPlaybook,
  containDrift,
  containEvasion,
  containExtraction,
  type PlaybookCommand,
  runPlaybook,
  type StepReport,
  tellPeople,
} from '@merlon/monitor';
import { PlatformError } from '../errors.ts';
import type { Actor, Incident, TimelineEntry } from '../model.ts';
import type { Services } from '../services.ts';

/** What a playbook may do. */
export interface Containment {
  /** Revokes a key from the next request on. */
  revokeKey(actor: Actor, keyId: string, why: string): Promise<string>;
  /** Makes a served model's guard stricter. */
  tightenGuard(actor: Actor, deploymentId: string, level: number): Promise<string>;
  /** Tells the configured webhook; says so when none is configured. */
  notify(body: JsonObject): Promise<string>;
}

/** The playbooks that are shipped. */
export const playbookNames = [
  'contain-extraction',
  'contain-evasion',
  'contain-drift',
  'tell-people',
] as const;

/** One of them. */
export type PlaybookName = (typeof playbookNames)[number];

const playbooks: Readonly<Record<PlaybookName, CacaoPlaybook>> = {
  'contain-extraction': containExtraction,
  'contain-evasion': containEvasion,
  'contain-drift': containDrift,
  'tell-people': tellPeople,
};
const tightLevel = '2';

/** Runs one for an incident; every action becomes a line of its timeline. */
export function runFor(
  services: Services,
  containment: Containment,
  actor: Actor,
  incident: Incident,
  name: PlaybookName,
): Promise<StepReport[]> {
  return runPlaybook(
    playbooks[name],
    variablesFor(incident, playbooks[name]),
    (command) => carryOut(containment, actor, command),
    (report) => addLine(services, incident.id, actionLine(report)),
  );
}

/** What it would ask for, and nothing of it done. */
export function rehearse(incident: Incident, name: PlaybookName): Promise<StepReport[]> {
  const playbook = playbooks[name];
  return runPlaybook(playbook, variablesFor(incident, playbook), async (command) => {
    return `would ask ${command.method} ${command.path} ${command.body}`.trim();
  });
}

/** The values that the playbook names; throws `bad-request` for what the incident has none of. */
function variablesFor(incident: Incident, playbook: CacaoPlaybook): Record<string, string> {
  const { keyId, deploymentId } = incident.detail;
  const known: Readonly<Record<string, unknown>> = {
    __incident__: incident.id,
    __summary__: incident.title,
    __deployment__: deploymentId,
    __level__: tightLevel,
    __key__: keyId,
  };
  return Object.fromEntries(
    Object.keys(playbook.playbook_variables).map((name) => {
      const value = known[name];
      if (typeof value === 'string' && value !== '') return [name, value];
      const what = name.replaceAll('_', '');
      throw new PlatformError('bad-request', `the incident concerns no ${what}`, {
        hint: `"${playbook.name}" needs one; run another playbook: ${playbookNames.join(', ')}`,
      });
    }),
  );
}

async function carryOut(
  containment: Containment,
  actor: Actor,
  command: PlaybookCommand,
): Promise<string> {
  const body = command.body === '' ? {} : (JSON.parse(command.body) as JsonObject);
  const key = /^\/api\/v1\/keys\/([^/]+)\/revoke$/.exec(command.path)?.[1];
  const deployment = /^\/api\/v1\/deployments\/([^/]+)\/tighten$/.exec(command.path)?.[1];
  if (command.method === 'POST' && key !== undefined) {
    return containment.revokeKey(actor, decodeURIComponent(key), String(body.why ?? ''));
  }
  if (command.method === 'POST' && deployment !== undefined) {
    const level = Number(body.level ?? 1);
    return containment.tightenGuard(actor, decodeURIComponent(deployment), level);
  }
  if (command.method === 'POST' && command.path === '/notify') return containment.notify(body);
  throw new PlatformError('forbidden', `a playbook may not ask for ${command.path}`);
}

async function addLine(
  { store, clock }: Services,
  incidentId: string,
  line: Pick<TimelineEntry, 'kind' | 'text' | 'detail'>,
): Promise<void> {
  await store.addTimeline({ id: uuidv7(clock), incidentId, at: isoTime(clock.nowMs()), ...line });
}

function actionLine(report: StepReport): Pick<TimelineEntry, 'kind' | 'text' | 'detail'> {
  const { name, ok, text } = report;
  return {
    kind: 'action',
    text: ok ? `${name}: ${text}` : `${name} failed: ${text}`,
    detail: { ok },
  };
}
