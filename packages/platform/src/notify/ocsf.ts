/**
 * An incident as a Detection Finding of the Open Cybersecurity Schema Framework 1.8 (class 2004),
 * as SIEMs take it. Like every notice it names no people, keys or models.
 */
import type { JsonObject } from '@merlon/core';
import { incidentKind } from '@merlon/monitor';
import { merlonVersion } from '../installation.ts';
import type { Incident } from '../model.ts';
import type { Told } from './notice.ts';
import { headline } from './words.ts';

const [categoryUid, classUid] = [2, 2004];
const activities = { opened: [1, 'Create'], closed: [3, 'Close'] } as const;
const severities = {
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
} as const;
const statuses = {
  open: [1, 'New'],
  contained: [2, 'In Progress'],
  closed: [4, 'Resolved'],
} as const;
/** An analytic of type Other: rules, statistics and checks all have detectors. */
const [otherAnalytic, otherAnalyticName] = [99, 'Detector'];

/** The finding; times are milliseconds since the Unix epoch. */
export function detectionFinding(told: Told): JsonObject {
  const { incident, event } = told;
  const [activityId, activityName] = activities[event];
  const [severityId, severity] = severities[incident.severity];
  const [statusId, status] = statuses[incident.state];
  const product = { name: 'Merlon', vendor_name: 'Merlon', version: merlonVersion };
  return {
    ...{ category_uid: categoryUid, category_name: 'Findings' },
    ...{ class_uid: classUid, class_name: 'Detection Finding' },
    ...{ activity_id: activityId, activity_name: activityName },
    type_uid: classUid * 100 + activityId,
    type_name: `Detection Finding: ${activityName}`,
    ...{ severity_id: severityId, severity, status_id: statusId, status },
    ...{ time: Date.parse(told.at), is_alert: event === 'opened' },
    ...{ start_time: Date.parse(incident.startedAt), message: headline(told) },
    metadata: { version: '1.8.0', product, uid: told.id, correlation_uid: incident.id },
    finding_info: findingOf(incident),
    resources: [{ uid: incident.versionId, type: 'AI model or data version' }],
  };
}

function findingOf(incident: Incident): JsonObject {
  const { id, title, detail, startedAt, detectedAt, closedAt } = incident;
  const detector = String(detail.detector ?? 'unknown');
  return {
    ...{ uid: id, title, types: [detector] },
    created_time: Date.parse(detectedAt),
    first_seen_time: Date.parse(startedAt),
    last_seen_time: Date.parse(detectedAt),
    ...(closedAt === null ? {} : { modified_time: Date.parse(closedAt) }),
    analytic: { name: detector, type_id: otherAnalytic, type: otherAnalyticName },
    attacks: [techniqueOf(incident, detector)],
  };
}

/** The ATLAS technique, a part of another as a sub-technique below it. */
function techniqueOf({ technique, detail }: Incident, detector: string): JsonObject {
  const name = incidentKind({ detector, detail })?.techniqueName;
  const told = (uid: string): JsonObject => ({
    ...{ uid, ...(name === undefined ? {} : { name }) },
    src_url: `https://atlas.mitre.org/techniques/${uid}`,
  });
  const [, parent] = /^(AML\.T\d+)\.\d+$/.exec(technique) ?? [];
  return parent === undefined
    ? { technique: told(technique) }
    : { technique: { uid: parent }, sub_technique: told(technique) };
}
