/** How the learning rate changes over a run. */
import { HardenError } from '../../error.ts';

/** Factor of the rate at a share of the run, both from 0 to 1. */
export type SchedulePoint = readonly [share: number, factor: number];

/** `constant`; `cosine` falls to 0 (Loshchilov and Hutter 2017); points are joined by lines. */
export type Schedule = 'constant' | 'cosine' | readonly SchedulePoint[];

/** Falls by a straight line to a twentieth. */
export const linearSchedule: Schedule = [
  [0, 1],
  [1, 0.05],
];

/** The factor of the rate at a share of the run. */
export function factorAt(schedule: Schedule, share: number): number {
  if (schedule === 'constant') return 1;
  if (schedule === 'cosine') return (1 + Math.cos(Math.PI * share)) / 2;
  const next = schedule.findIndex(([at]) => at >= share);
  const [first, last] = [schedule[0], schedule.at(-1)];
  if (next === 0) return first?.[1] ?? 1;
  if (next < 0) return last?.[1] ?? 1;
  const [from, low] = schedule[next - 1] ?? [0, 1];
  const [to, high] = schedule[next] ?? [1, 1];
  return low + ((high - low) * (share - from)) / (to - from);
}

/**
 * A schedule from text: `constant`, `linear`, `cosine`, or points such as `0:0,0.4:1,1:0`. Throws
 * `invalid-option`.
 */
export function parseSchedule(text: string): Schedule {
  if (text === 'constant' || text === 'cosine') return text;
  if (text === 'linear') return linearSchedule;
  const points = text.split(',').map((point) => point.split(':').map(Number));
  const isPoint = (point: number[], i: number): boolean => {
    const [share = -1, factor = -1] = point;
    const before = points[i - 1]?.[0] ?? -1;
    return point.length === 2 && share >= 0 && share <= 1 && share > before && factor >= 0;
  };
  if (points.every(isPoint)) return points.map(([share = 0, factor = 0]) => [share, factor]);
  const expected = 'constant, linear, cosine, or points such as 0:0,0.4:1,1:0';
  throw new HardenError('invalid-option', `"schedule" expected ${expected}, got "${text}"`, {
    hint: 'a point is a share of the run and a factor of the rate, shares growing',
  });
}
