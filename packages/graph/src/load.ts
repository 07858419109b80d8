/**
 * Whether others use this machine. Threads that wait for work by spinning begin sooner, which is
 * worth up to a fifth of the time of a run on a quiet machine; on a busy one they take the time
 * that somebody else, or their own other half, would work in.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';

/** Processor time up to some moment. */
export interface Usage {
  /** Milliseconds of all cores, and what of it was idle. */
  readonly totalMs: number;
  readonly idleMs: number;
  /** Milliseconds that this process took. */
  readonly ownMs: number;
}

/** Part of the machine that others may take on a quiet one. */
const othersMax = 0.15;
/** A shorter time says little: the system counts in steps of ten milliseconds. */
const spanMinMs = 100;

/** The part of all cores that others took between two moments; null when they are too near. */
export function takenByOthers(from: Usage, to: Usage): number | null {
  const totalMs = to.totalMs - from.totalMs;
  if (totalMs < spanMinMs) return null;
  const busyMs = totalMs - (to.idleMs - from.idleMs);
  return Math.max(0, busyMs - (to.ownMs - from.ownMs)) / totalMs;
}

let last = usage();
// The load of the last minute, as this process begins, is that of others.
let quiet = (loadavg()[0] ?? 0) <= othersMax * availableParallelism();

/** True when nobody else has used much of the machine since this was last asked. */
export function isQuiet(): boolean {
  const now = usage();
  const taken = takenByOthers(last, now);
  if (taken !== null) {
    quiet = taken <= othersMax;
    last = now;
  }
  return quiet;
}

function usage(): Usage {
  let [totalMs, idleMs] = [0, 0];
  for (const { times } of cpus()) {
    totalMs += times.user + times.nice + times.sys + times.idle + times.irq;
    idleMs += times.idle;
  }
  const { user, system } = process.cpuUsage();
  return { totalMs, idleMs, ownMs: (user + system) / 1000 };
}
