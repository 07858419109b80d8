/** What is told of an incident outside of the house, and to whom it is still owed. */
import type { Incident } from '../model.ts';

/** What people are told of. */
export type NoticeEvent = 'opened' | 'closed';

/** A message that a channel still owes; its row is gone once it was told or given up. */
export interface Notice {
  /** Sorts in the order in which they were made. */
  readonly id: string;
  readonly workspaceId: string;
  readonly incidentId: string;
  /** Name of the channel. */
  readonly channel: string;
  readonly event: NoticeEvent;
  /** How often it was tried in vain. */
  readonly attempts: number;
  /** Not tried before. */
  readonly dueAt: string;
  readonly createdAt: string;
}

/** What a channel is given to tell: the incident as it stands now. */
export interface Told {
  readonly id: string;
  readonly event: NoticeEvent;
  readonly at: string;
  readonly incident: Incident;
}

/** A way to people, or to the machines that look after them. */
export interface Channel {
  /** How it is called in timelines and faults. */
  readonly name: string;
  /** Texts that may stand in no message: passwords, keys, secret addresses. */
  readonly secrets: readonly string[];
  /** Tells it once; comes back with what the receiver said, throws when it was not taken. */
  send(told: Told, signal: AbortSignal): Promise<string>;
}

/** A text in which every secret is left out. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets.filter((each) => each !== '').sort((a, b) => b.length - a.length);
  return longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}
