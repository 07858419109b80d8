/**
 * What channels still owe, kept in the store: written together with the incident, so that a crash
 * loses nothing, and told at least once. What fails is tried again, each time twice as long after,
 * and given up after a day. Each channel hears of one incident in order.
 */
import { type Clock, isoTime, messageOf, uuidv7 } from '@merlon/core';
import type { Bus } from '../bus/bus.ts';
import { PlatformError } from '../errors.ts';
import type { Incident } from '../model.ts';
import type { Store } from '../store/store.ts';
import { type Channel, type Notice, type NoticeEvent, withoutSecrets } from './notice.ts';

/** Takes what is to be told, and tells it. */
export interface Outbox {
  /** Names of the channels that are told. */
  readonly channels: readonly string[];
  /** Owes it to every channel, from when the transaction is over and the incident is news. */
  put(tx: Store, incident: Incident, event: NoticeEvent): Promise<void>;
  /** Tells all that is due now, and is done with it when the promise is. */
  deliver(): Promise<void>;
  /** Tells what is due whenever it is, from now on. */
  start(): void;
  stop(): Promise<void>;
}

/** What it works with. */
export interface OutboxParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly channels: readonly Channel[];
  readonly onFault: (error: unknown) => void;
}

const firstDelayMs = 5000;
const delayMsMax = 3_600_000;
const givenUpAfterMs = 24 * 3_600_000;
const sendTimeoutMs = 30_000;
/** After a fault of the store itself. */
const faultDelayMs = 60_000;
const noticesAtOnce = 100;

/** How long after the given number of failures it is tried again. */
export function delayAfter(attempts: number): number {
  return Math.min(firstDelayMs * 2 ** (attempts - 1), delayMsMax);
}

/** The outbox of a home; call `start` once. */
export function openOutbox(parts: OutboxParts): Outbox {
  const { store, clock, bus, onFault } = parts;
  const names = parts.channels.map(({ name }) => name);
  const stopping = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let end = (): void => undefined;
  let working: Promise<void> = Promise.resolve();

  const deliver = async (): Promise<void> => {
    while (!stopping.signal.aborted && (await passOnce(parts, stopping.signal)));
  };
  const wakeIn = (waitMs: number): void => {
    clearTimeout(timer);
    if (stopping.signal.aborted) return;
    timer = setTimeout(wake, Math.min(Math.max(0, waitMs), delayMsMax));
    timer.unref();
  };
  const round = async (): Promise<void> => {
    await deliver();
    const [next] = await store.notices(names, 1);
    if (next !== undefined) wakeIn(Date.parse(next.dueAt) - clock.nowMs());
  };
  // One round after the other: nobody is told twice because two rounds met.
  const wake = (): void => {
    working = working.then(round).catch((error: unknown) => {
      onFault(error);
      wakeIn(faultDelayMs);
    });
  };
  return {
    channels: names,
    put: (tx, incident, event) => tx.addNotices(noticesOf({ incident, event, names, clock })),
    deliver: () => {
      const done = working.then(deliver);
      working = done.catch(() => undefined);
      return done;
    },
    start: () => {
      if (names.length === 0) return;
      end = bus.subscribe(({ topic }) => {
        if (topic === 'incident') wake();
      });
      wake();
    },
    stop: async () => {
      end();
      stopping.abort(new Error('stopping'));
      clearTimeout(timer);
      await working;
    },
  };
}

function noticesOf(of: {
  readonly incident: Incident;
  readonly event: NoticeEvent;
  readonly names: readonly string[];
  readonly clock: Clock;
}): Notice[] {
  const { incident, event, names, clock } = of;
  const now = isoTime(clock.nowMs());
  return names.map((channel) => ({
    ...{ id: uuidv7(clock), workspaceId: incident.workspaceId, incidentId: incident.id },
    ...{ channel, event, attempts: 0, dueAt: now, createdAt: now },
  }));
}

/** Tries what is due, all channels at once; true when there may be more. */
async function passOnce(parts: OutboxParts, signal: AbortSignal): Promise<boolean> {
  const { store, clock, channels } = parts;
  const names = channels.map(({ name }) => name);
  const now = clock.nowMs();
  const due = (await store.notices(names, noticesAtOnce)).filter(
    ({ dueAt }) => Date.parse(dueAt) <= now,
  );
  const over = await Promise.all(
    channels.map(async (channel) => {
      let count = 0;
      for (const notice of due.filter((each) => each.channel === channel.name)) {
        if (!signal.aborted && (await tell(parts, { channel, notice, signal }))) count++;
      }
      return count;
    }),
  );
  return over.some((count) => count > 0);
}

interface Telling {
  readonly channel: Channel;
  readonly notice: Notice;
  readonly signal: AbortSignal;
}

/** Tells one; true when its row is gone. */
async function tell(parts: OutboxParts, telling: Telling): Promise<boolean> {
  const { channel, notice, signal } = telling;
  const incident = await parts.store.incident(notice.incidentId);
  if (incident === null) throw new PlatformError('internal', 'a notice is of no incident');
  const { id, event, createdAt: at } = notice;
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(sendTimeoutMs)]);
    const answer = await channel.send({ id, event, at, incident }, within);
    const said = withoutSecrets(answer, channel.secrets);
    await finish(parts, notice, `Told by ${channel.name} that it was ${event}: ${said}`);
    return true;
  } catch (error) {
    // What was cut off by the end of the process was no failure: the next start tells it.
    if (signal.aborted) return false;
    return fail(parts, telling, withoutSecrets(messageOf(error), channel.secrets));
  }
}

/** Keeps it for later, or gives it up; the cause stays out, since it may hold a secret. */
async function fail(parts: OutboxParts, telling: Telling, why: string): Promise<boolean> {
  const { channel, notice } = telling;
  const now = parts.clock.nowMs();
  const attempts = notice.attempts + 1;
  const about = `incident ${notice.incidentId} was not told by ${channel.name}: ${why}`;
  if (now - Date.parse(notice.createdAt) >= givenUpAfterMs) {
    const times = attempts === 1 ? 'one attempt' : `${attempts} attempts`;
    await finish(parts, notice, `Not told by ${channel.name}, given up after ${times}: ${why}`);
    const hint = 'mend the channel; what opens from now on is told by it again';
    parts.onFault(new PlatformError('unavailable', `${about} (given up)`, { hint }));
    return true;
  }
  const dueAt = isoTime(now + delayAfter(attempts));
  await parts.store.updateNotice(notice.id, { attempts, dueAt });
  if (attempts > 1) return false;
  const hint = 'it is tried again, ever more seldom, for a day';
  parts.onFault(new PlatformError('unavailable', about, { hint }));
  return false;
}

async function finish(parts: OutboxParts, notice: Notice, text: string): Promise<void> {
  const { store, clock, bus } = parts;
  const { id, incidentId, workspaceId, channel, event } = notice;
  await store.transaction(async (tx) => {
    await tx.removeNotice(id);
    const line = { id: uuidv7(clock), incidentId, at: isoTime(clock.nowMs()) };
    await tx.addTimeline({ ...line, kind: 'note', text, detail: { channel, event } });
  });
  bus.publish({ topic: 'incident', workspaceId, id: incidentId });
}
