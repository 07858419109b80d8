/** Respond: an alert opens an incident, and a CACAO playbook contains it at once. */
import { isoTime, uuidv7 } from '@merlon/core';
import { incidentKind, type StepReport } from '@merlon/monitor';
import { PlatformError } from '../errors.ts';
import type { Actor, Alert, Incident } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import { type Containment, type PlaybookName, rehearse, runFor } from './playbook.ts';

/** Opens an incident for an alert and contains it; null when the alert is only worth a note. */
export async function respondTo(
  services: Services,
  containment: Containment,
  found: { readonly alert: Alert; readonly sinceMs: number },
): Promise<Incident | null> {
  const { alert } = found;
  const kind = incidentKind(alert);
  if (kind === null) return null;
  if (await joinsKnown(services, alert)) return null;
  const incident = await openIncident(services, found);
  const actor = platformActor(incident.workspaceId);
  const reports = await runFor(services, containment, actor, incident, kind.playbook);
  // Telling contains nothing: the incident stays open until people close it.
  if (kind.playbook === 'tell-people') return incident;
  return markContained(services, incident, reports);
}

/** Two detectors that see one client at work are one incident: the second is written below it. */
async function joinsKnown(services: Services, alert: Alert): Promise<boolean> {
  const { store } = services;
  if (alert.keyId === null) return false;
  const known = (await store.incidents(alert.workspaceId)).find(
    ({ versionId, state, detail }) =>
      versionId === alert.versionId && state !== 'closed' && detail.keyId === alert.keyId,
  );
  if (known === undefined) return false;
  await store.transaction(async (tx) => {
    await tx.addAlert(alert);
    await tx.linkAlert(alert.id, known.id);
    const id = uuidv7(services.clock);
    const line = { kind: 'detected', text: alarmText(alert), detail: alert.detail } as const;
    await tx.addTimeline({ id, incidentId: known.id, at: alert.at, ...line });
  });
  services.bus.publish({ topic: 'incident', workspaceId: alert.workspaceId, id: known.id });
  return true;
}

/** What a person asked for. */
export interface RunWish {
  /** Null for the one that the incident's kind has. */
  readonly playbook: PlaybookName | null;
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

/**
 * Runs a playbook for an incident because a person asks. Every action may be repeated: what is done
 * already stays done. Throws `conflict` once it is closed, `bad-request` for a playbook that needs
 * what the incident does not have.
 */
export async function runByHand(
  services: Services,
  containment: Containment,
  asked: { readonly actor: Actor; readonly incident: Incident; readonly wish: RunWish },
): Promise<{ readonly playbook: PlaybookName; readonly steps: readonly StepReport[] }> {
  const { actor, incident, wish } = asked;
  if (incident.state === 'closed') {
    throw new PlatformError('conflict', 'the incident is closed', {
      hint: 'what is seen from now on opens another one',
    });
  }
  const playbook = wish.playbook ?? kindOf(incident)?.playbook ?? 'tell-people';
  if (wish.dryRun) return { playbook, steps: await rehearse(incident, playbook) };
  const resource = `incident/${incident.id}`;
  await services.ledger.record(actor, { action: 'incident.run', resource, detail: { playbook } });
  const steps = await runFor(services, containment, actor, incident, playbook);
  // Whom the outbox tells is told again, as the webhook is.
  await services.outbox.put(services.store, incident, 'opened');
  services.bus.publish({ topic: 'incident', workspaceId: incident.workspaceId, id: incident.id });
  if (incident.state === 'open' && playbook !== 'tell-people') {
    await markContained(services, incident, steps);
  }
  return { playbook, steps };
}

async function openIncident(
  { store, ledger, clock, bus, outbox }: Services,
  { alert, sinceMs }: { readonly alert: Alert; readonly sinceMs: number },
): Promise<Incident> {
  const kind = incidentKind(alert);
  if (kind === null) throw new PlatformError('internal', `no incident for ${alert.detector}`);
  const incident: Incident = {
    id: uuidv7(clock),
    workspaceId: alert.workspaceId,
    versionId: alert.versionId,
    title: kind.title,
    severity: kind.severity,
    technique: kind.technique,
    state: 'open',
    startedAt: isoTime(sinceMs),
    detectedAt: alert.at,
    containedAt: null,
    closedAt: null,
    detail: {
      detector: alert.detector,
      statistic: alert.statistic,
      threshold: alert.threshold,
      keyId: alert.keyId,
      deploymentId: alert.deploymentId,
      ...alert.detail,
    },
  };
  const actor = platformActor(alert.workspaceId);
  await store.transaction(async (tx) => {
    await tx.addAlert(alert);
    await tx.addIncident(incident);
    await tx.linkAlert(alert.id, incident.id);
    await outbox.put(tx, incident, 'opened');
    await tx.addTimeline({
      id: uuidv7(clock),
      incidentId: incident.id,
      at: alert.at,
      kind: 'detected',
      text: alarmText(alert),
      detail: alert.detail,
    });
    await tx.putStep({
      versionId: alert.versionId,
      step: 'respond',
      state: 'running',
      startedAt: alert.at,
      finishedAt: null,
      result: { incident: incident.id, title: kind.title },
    });
    const resource = `incident/${incident.id}`;
    const detail = { detector: alert.detector, statistic: alert.statistic, key: alert.keyId };
    await ledger.append(tx, actor, { action: 'incident.open', resource, detail });
  });
  bus.publish({ topic: 'incident', workspaceId: alert.workspaceId, id: incident.id });
  return incident;
}

async function markContained(
  services: Services,
  incident: Incident,
  reports: readonly StepReport[],
): Promise<Incident> {
  const { store, ledger, clock, bus } = services;
  const failed = reports.filter((report) => !report.ok).map((report) => report.name);
  const containedAt = isoTime(clock.nowMs());
  const contained: Incident = { ...incident, state: 'contained', containedAt };
  const detectMs = Date.parse(incident.detectedAt) - Date.parse(incident.startedAt);
  const containMs = Date.parse(containedAt) - Date.parse(incident.detectedAt);
  const result = {
    incident: incident.id,
    title: incident.title,
    detectSeconds: detectMs / 1000,
    containSeconds: containMs / 1000,
    actions: reports.length - failed.length,
    failed: failed.join(', '),
  };
  await store.transaction(async (tx) => {
    await tx.updateIncident(incident.id, { state: 'contained', containedAt });
    await tx.putStep({
      versionId: incident.versionId,
      step: 'respond',
      state: 'done',
      startedAt: incident.detectedAt,
      finishedAt: containedAt,
      result,
    });
    const resource = `incident/${incident.id}`;
    const actor = platformActor(incident.workspaceId);
    await ledger.append(tx, actor, { action: 'step.respond', resource, detail: result });
    await tx.addTimeline({
      id: uuidv7(clock),
      incidentId: incident.id,
      at: containedAt,
      kind: 'contained',
      text: `Contained ${shown(containMs / 1000)} s after detection`,
      detail: result,
    });
  });
  const { workspaceId, versionId } = incident;
  bus.publish({ topic: 'incident', workspaceId, id: incident.id });
  bus.publish({ topic: 'version', workspaceId, id: versionId });
  return contained;
}

/** Closes an incident that was contained, or that was left to people from the beginning. */
export async function closeIncident(
  services: Services,
  actor: Actor,
  incident: Incident,
  comment: string,
): Promise<Incident> {
  const { store, ledger, clock, bus, outbox } = services;
  const isForPeople = kindOf(incident)?.playbook === 'tell-people' && incident.state === 'open';
  if (incident.state !== 'contained' && !isForPeople) {
    const message = `the incident is ${incident.state}, expected contained`;
    throw new PlatformError(incident.state === 'open' ? 'not-ready' : 'conflict', message);
  }
  const closedAt = isoTime(clock.nowMs());
  const containedAt = incident.containedAt ?? closedAt;
  await store.transaction(async (tx) => {
    if (isForPeople) {
      const result = { incident: incident.id, title: incident.title, by: actor.name };
      const { versionId, detectedAt: startedAt } = incident;
      const record = { versionId, step: 'respond', startedAt, finishedAt: closedAt } as const;
      await tx.putStep({ ...record, state: 'done', result });
    }
    await tx.updateIncident(incident.id, { state: 'closed', closedAt, containedAt });
    await outbox.put(tx, incident, 'closed');
    const text = `Closed by ${actor.name}${comment === '' ? '' : `: ${comment}`}`;
    const line = { id: uuidv7(clock), incidentId: incident.id, at: closedAt };
    await tx.addTimeline({ ...line, kind: 'closed', text, detail: {} });
    const resource = `incident/${incident.id}`;
    const detail = { comment: comment.slice(0, 500) };
    await ledger.append(tx, actor, { action: 'incident.close', resource, detail });
  });
  bus.publish({ topic: 'incident', workspaceId: incident.workspaceId, id: incident.id });
  return { ...incident, state: 'closed', closedAt, containedAt };
}

function kindOf({ detail }: Incident): ReturnType<typeof incidentKind> {
  return incidentKind({ detector: String(detail.detector), detail });
}

function alarmText({ detector, statistic, threshold, detail }: Alert): string {
  if (detector === 'scan-critical') {
    return `The scan found ${statistic} critical, first: ${String(detail.title)}`;
  }
  if (detector === 'scrub-damage') {
    const told = detail.repaired === true ? 'repaired from the replica' : 'not repaired';
    return `Reading every object found ${statistic} damaged, ${told}`;
  }
  // PRADA and drift alarm when their statistic falls, sums of evidence when they grow.
  const side = statistic < threshold ? 'below' : 'above';
  return `${detector} raised an alarm: ${shown(statistic)} ${side} ${shown(threshold)}`;
}

function shown(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
