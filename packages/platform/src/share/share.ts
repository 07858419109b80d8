/** Share: a closed incident leaves the house as a STIX 2.1 bundle under a TLP marking. */
import { digestHex, isoTime, uuidv7 } from '@merlon/core';
import { incidentBundle, type Tlp } from '@merlon/exchange';
import { incidentKind } from '@merlon/monitor';
import { PlatformError } from '../errors.ts';
import type { Actor, Incident, Share } from '../model.ts';
import type { Services } from '../services.ts';

/** Exports an incident; throws `not-ready` while it is open. */
export async function shareIncident(
  services: Services,
  actor: Actor,
  incident: Incident,
  tlp: Tlp,
): Promise<Share> {
  const { store, ledger, clock, bus } = services;
  const { containedAt, closedAt } = incident;
  if (closedAt === null || containedAt === null) {
    throw new PlatformError('not-ready', `the incident is ${incident.state}, expected closed`, {
      hint: 'close it first',
    });
  }
  const at = isoTime(clock.nowMs());
  const bundle = await bundleOf(services, { ...incident, containedAt, closedAt }, tlp);
  const share: Share = { id: uuidv7(clock), incidentId: incident.id, tlp, bundle, at };
  await store.transaction(async (tx) => {
    await tx.addShare(share);
    await tx.addTimeline({
      id: uuidv7(clock),
      incidentId: incident.id,
      at,
      kind: 'shared',
      text: `Exported as STIX 2.1, TLP:${tlp.toUpperCase()}`,
      detail: {},
    });
    const result = { tlp, technique: incident.technique, bytes: bundle.length };
    await tx.putStep({
      versionId: incident.versionId,
      step: 'share',
      state: 'done',
      startedAt: at,
      finishedAt: at,
      result,
    });
    const resource = `incident/${incident.id}`;
    await ledger.append(tx, actor, { action: 'step.share', resource, detail: result });
  });
  const { workspaceId, versionId } = incident;
  bus.publish({ topic: 'version', workspaceId, id: versionId });
  bus.publish({ topic: 'incident', workspaceId, id: incident.id });
  return share;
}

async function bundleOf(
  { store }: Services,
  incident: Incident & { containedAt: string; closedAt: string },
  tlp: Tlp,
): Promise<string> {
  const files = await store.files(incident.versionId);
  const timeline = await store.timeline(incident.id);
  const [workspace] = (await store.workspaces()).filter((w) => w.id === incident.workspaceId);
  const { detector, queries } = incident.detail;
  const kind = incidentKind({ detector: String(detector), detail: incident.detail });
  const closedBy =
    kind?.playbook === 'tell-people' ? 'closed by people' : 'contained automatically';
  const bundle = incidentBundle(
    {
      id: incident.id,
      title: incident.title,
      description: `Found by ${String(detector)}; ${closedBy}.`,
      severity: incident.severity,
      technique: { id: incident.technique, name: kind?.techniqueName ?? incident.technique },
      organisation: workspace?.name ?? 'unnamed workspace',
      fileDigests: files.map(({ path, digest }) => ({ name: path, sha256: digestHex(digest) })),
      startedAt: incident.startedAt,
      detectedAt: incident.detectedAt,
      containedAt: incident.containedAt,
      closedAt: incident.closedAt,
      detector: String(detector),
      observedQueries: typeof queries === 'number' ? queries : 1,
      actions: timeline.filter((line) => line.kind === 'action').map((line) => line.text),
    },
    tlp,
  );
  return JSON.stringify(bundle, null, 2);
}
