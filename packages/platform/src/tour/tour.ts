/**
 * The tour: two real models go through all ten steps. It acts through the HTTP API as two people
 * whom it makes and disables again; every act is remembered, so a killed tour goes on.
 */
import { isoTime } from '@merlon/core';
import { stepNames } from '../model.ts';
import type { Platform } from '../platform.ts';
import type { Store } from '../store/store.ts';
import { travellers } from './fixtures.ts';
import { disablePeople, newPeople, signInPeople } from './people.ts';
import { openReceiver } from './receiver.ts';
import { refusePoison, travel } from './stages.ts';
import { openMemory, readTour, type TourLine, type TourMemory, type TourState } from './state.ts';

export type { TourLine } from './state.ts';

/** What the tour measured. */
export interface TourResult {
  readonly steps: readonly TourLine[];
  readonly seconds: number;
}

/** True when the tour was taken to its end. */
export async function tourTaken(store: Store): Promise<boolean> {
  return (await readTour({ store }))?.finishedAt != null;
}

/** Takes the tour, or what is left of it; lines of an earlier run are told again first. */
export async function takeTour(
  platform: Platform,
  onLine: (line: TourLine) => void,
): Promise<TourResult> {
  const { services } = platform;
  const started = services.clock.nowMs();
  const begin = (): TourState => ({
    startedAt: isoTime(started),
    people: newPeople(),
    acts: {},
    lines: [],
    finishedAt: null,
    seconds: 0,
  });
  const memory = await openMemory(services, begin, onLine);
  if (memory.state.finishedAt === null) {
    const receiver = await openReceiver(platform);
    try {
      await goRound(platform, memory);
    } finally {
      await receiver?.close();
    }
    const seconds = memory.state.seconds + (services.clock.nowMs() - started) / 1000;
    // The people are disabled; what was needed to be them is forgotten.
    const finishedAt = isoTime(services.clock.nowMs());
    await memory.change({ people: newPeople(), finishedAt, seconds });
  }
  return { steps: inOrder(memory.state.lines), seconds: memory.state.seconds };
}

/** Everything that is left to do, as two people, over HTTP. */
async function goRound(platform: Platform, memory: TourMemory): Promise<void> {
  const people = await signInPeople(platform, memory);
  const journeyer = { platform, memory, people };
  await refusePoison(journeyer);
  await Promise.all(travellers.map((traveller) => travel(journeyer, traveller)));
  await disablePeople(platform, memory);
}

/** By model, then in the order of the journey. */
function inOrder(lines: readonly TourLine[]): TourLine[] {
  const models = [...new Set(lines.map((line) => line.model))].sort();
  return models.flatMap((model) =>
    stepNames.flatMap((step) => lines.filter((l) => l.model === model && l.step === step)),
  );
}
