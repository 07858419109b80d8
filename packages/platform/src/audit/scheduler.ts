/**
 * Scheduled work: auditing everything again, reading every sealed object, and destroying what is
 * past its day. When it is due follows from the last time that it was done, so what was missed
 * while the platform was down, or was cut off, is caught up at the next start.
 */
import { isoTime, type JsonObject } from '@merlon/core';
import { Cron } from 'croner';
import { PlatformError } from '../errors.ts';
import type { Actor } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import { scheduleMeta } from '../store/names.ts';
import type { Store } from '../store/store.ts';

/** What is scheduled: versions scanned and assessed anew; objects read; content past its day. */
export const taskNames = ['audit', 'scrub', 'retention'] as const;

/** One of them. */
export type TaskName = (typeof taskNames)[number];

/** When it is done. */
export interface ScheduledTask {
  readonly name: TaskName;
  /** Five fields of cron, in UTC; null for never. */
  readonly cron: string | null;
  /** When it was done last, and what came of it; null before the first time. */
  readonly last: { readonly at: string; readonly result: JsonObject } | null;
  readonly next: string | null;
  readonly runs: boolean;
}

/** Does what is due. */
export interface Scheduler {
  tasks(): Promise<ScheduledTask[]>;
  /** Sets when it is done; throws `bad-request` for what is no cron expression. */
  set(actor: Actor, name: TaskName, cron: string | null): Promise<void>;
  /** Does all that is due now, and is done with it when the promise is. */
  tick(): Promise<void>;
  /** Does it now, whenever it is due. */
  run(name: TaskName): Promise<JsonObject>;
  /** Looks each minute from now on. */
  start(): void;
  stop(): Promise<void>;
}

/** The work of each; what it returns is kept and told. */
export type TaskWork = Readonly<Record<TaskName, (signal: AbortSignal) => Promise<JsonObject>>>;

interface Kept {
  readonly cron: string | null;
  /** From when on the next time is counted. */
  readonly since: string;
  readonly last: ScheduledTask['last'];
}

const cronDefaults: Readonly<Record<TaskName, string>> = {
  // The first of each month, each Sunday, and each day, by night.
  audit: '0 3 1 * *',
  scrub: '0 4 * * 0',
  retention: '0 2 * * *',
};
const lookEveryMs = 60_000;

/** The schedule of a workspace; call `start` once. */
export function openScheduler(
  services: Services,
  workspaceId: string,
  parts: { readonly work: TaskWork; readonly onFault: (error: unknown) => void },
): Scheduler {
  const { clock } = services;
  const keeper = openKeeper(services, workspaceId);
  const running = new Map<TaskName, Promise<JsonObject>>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const stopping = new AbortController();
  const { signal } = stopping;

  const perform = async (name: TaskName): Promise<JsonObject> => {
    const result = await parts.work[name](signal);
    // What was cut off was not done: the next start does it.
    signal.throwIfAborted();
    await keeper.done(name, result);
    return result;
  };
  const run = (name: TaskName): Promise<JsonObject> => {
    const now = running.get(name) ?? perform(name).finally(() => running.delete(name));
    running.set(name, now);
    return now;
  };
  const tick = async (): Promise<void> => {
    for (const name of taskNames) {
      if (signal.aborted) return;
      const next = nextOf(await keeper.kept(name));
      if (next !== null && Date.parse(next) <= clock.nowMs()) await run(name);
    }
  };
  return {
    tasks: () =>
      Promise.all(
        taskNames.map(async (name): Promise<ScheduledTask> => {
          const now = await keeper.kept(name);
          const { cron, last } = now;
          return { name, cron, last, next: nextOf(now), runs: running.has(name) };
        }),
      ),
    set: keeper.set,
    tick,
    run,
    start: () => {
      const look = (): void =>
        void tick().catch((error: unknown) => {
          if (!signal.aborted) parts.onFault(error);
        });
      timer = setInterval(look, lookEveryMs);
      timer.unref();
      look();
    },
    stop: async () => {
      stopping.abort(new Error('stopping'));
      clearInterval(timer);
      await Promise.allSettled([...running.values()]);
    },
  };
}

interface Keeper {
  kept(name: TaskName): Promise<Kept>;
  done(name: TaskName, result: JsonObject): Promise<void>;
  set: Scheduler['set'];
}

/** What is kept of each task, each change of it with its line in the ledger. */
function openKeeper({ store, clock, ledger }: Services, workspaceId: string): Keeper {
  const kept = async (name: TaskName, from: Store = store): Promise<Kept> => {
    const text = await from.meta(scheduleMeta(workspaceId, name));
    if (text !== null) return JSON.parse(text) as Kept;
    const fresh: Kept = { cron: cronDefaults[name], since: isoTime(clock.nowMs()), last: null };
    await from.setMeta(scheduleMeta(workspaceId, name), JSON.stringify(fresh));
    return fresh;
  };
  return {
    kept: (name) => kept(name),
    done: async (name, result) => {
      const at = isoTime(clock.nowMs());
      await store.transaction(async (tx) => {
        const { cron } = await kept(name, tx);
        const now: Kept = { cron, since: at, last: { at, result } };
        await tx.setMeta(scheduleMeta(workspaceId, name), JSON.stringify(now));
        const decision = { action: `schedule.${name}`, resource: name, detail: result };
        await ledger.append(tx, platformActor(workspaceId), decision);
      });
    },
    set: async (actor, name, cron) => {
      if (cron !== null) checkedCron(cron);
      await store.transaction(async (tx) => {
        const { last } = await kept(name, tx);
        const now: Kept = { cron, since: isoTime(clock.nowMs()), last };
        await tx.setMeta(scheduleMeta(workspaceId, name), JSON.stringify(now));
        const decision = { action: 'schedule.set', resource: name, detail: { cron } };
        await ledger.append(tx, actor, decision);
      });
    },
  };
}

function nextOf({ cron, since }: Kept): string | null {
  return cron === null ? null : (checkedCron(cron).nextRun(since)?.toISOString() ?? null);
}

function checkedCron(cron: string): Cron {
  try {
    return new Cron(cron, { mode: '5-part', timezone: 'UTC', paused: true });
  } catch (cause) {
    const message = `"cron" expected five fields such as "0 3 1 * *", got "${cron}"`;
    throw new PlatformError('bad-request', message, {
      hint: 'minute, hour, day of the month, month, day of the week; times are UTC',
      cause,
    });
  }
}
