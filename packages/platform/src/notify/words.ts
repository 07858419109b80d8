/**
 * An incident in words for people. A closed list of fields, as with what is shared: names of
 * people, keys and models stay at home.
 */
import type { Told } from './notice.ts';

/** One line, such as `Incident opened (high): Somebody is extracting …`. */
export function headline({ event, incident }: Told): string {
  return `Incident ${event} (${incident.severity}): ${oneLine(incident.title)}`;
}

/** Facts by name, in the order in which people ask for them. */
export function facts({ incident }: Told): Readonly<Record<string, string>> {
  const { containedAt, closedAt } = incident;
  return {
    Incident: incident.id,
    State: incident.state,
    Severity: incident.severity,
    Technique: `MITRE ATLAS ${incident.technique}`,
    Detector: oneLine(String(incident.detail.detector ?? 'unknown')),
    Version: incident.versionId,
    Started: incident.startedAt,
    Detected: incident.detectedAt,
    ...(containedAt === null ? {} : { Contained: containedAt }),
    ...(closedAt === null ? {} : { Closed: closedAt }),
  };
}

/** How to read on. */
export function nextStep({ incident }: Told): string {
  return `merlon incident show ${incident.id}`;
}

function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, 300);
}
